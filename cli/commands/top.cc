#include "cli/commands/top.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "CLI/App.hpp"
#include "CLI/Config.hpp"
#include "CLI/Formatter.hpp"
#include "CLI/Validators.hpp"
#include "cli/flow_selector.h"
#include "cli/flow_view.h"
#include "cli/top_watch.h"
#include "common/proto_time.h"
#include "ephemera/v1/flow_service.grpc.pb.h"

namespace ephemera::cli {
namespace {

constexpr int kMaxPageSize = 1000;
constexpr int kDefaultRows = 100;

struct TopOptions {
  FlowSelector selector;
  // 0: every group. Unset: kDefaultRows in a table, else every group.
  int limit = -1;
  bool watch = false;
  absl::Duration interval = absl::Seconds(1);
};

int Limit(const TopOptions& options, const Session& session) {
  if (options.limit >= 0) return options.limit;
  return session.options.format == OutputFormat::kTable ? kDefaultRows : 0;
}

// All pages in one, up to `limit` groups (0: all).
absl::StatusOr<v1::ListFlowGroupsResponse> FetchFlowGroups(
    const v1::FlowFilter& filter, int limit, Connection& connection) {
  v1::ListFlowGroupsRequest request;
  *request.mutable_filter() = filter;
  v1::ListFlowGroupsResponse all;
  bool first = true;
  while (true) {
    const int missing = limit - all.flow_groups_size();
    request.set_page_size(limit == 0 ? kMaxPageSize
                                     : std::min(missing, kMaxPageSize));
    v1::ListFlowGroupsResponse page;
    absl::Status status =
        connection.Call(&v1::FlowService::Stub::ListFlowGroups, request, &page);
    if (!status.ok()) return status;
    request.set_page_token(page.next_page_token());
    if (std::exchange(first, false)) {
      all = std::move(page);
    } else {
      all.mutable_flow_groups()->MergeFrom(page.flow_groups());
    }
    all.set_next_page_token(request.page_token());
    const bool full = limit > 0 && all.flow_groups_size() >= limit;
    if (request.page_token().empty() || full) return all;
  }
}

absl::Status Top(const TopOptions& options, Session& session) {
  auto filter = MakeFilter(options.selector);
  if (!filter.ok()) return filter.status();
  const int limit = Limit(options, session);
  if (options.watch) {
    v1::WatchFlowGroupsRequest request;
    *request.mutable_filter() = *filter;
    request.set_max_groups(limit == 0 ? kMaxPageSize
                                      : std::min(limit, kMaxPageSize));
    *request.mutable_interval() = ToProto(options.interval);
    return WatchTop(request, session);
  }
  const auto response = FetchFlowGroups(*filter, limit, session.connection);
  if (!response.ok()) return response.status();
  Context& context = session.context;
  switch (session.options.format) {
    case OutputFormat::kJson:
      context.out << ToJson(*response, /*one_line=*/false);
      break;
    case OutputFormat::kCsv:
      WriteFlowCsvHeader(context.out);
      WriteFlowCsvRows(*response, context.out);
      break;
    case OutputFormat::kTable:
      PrintLines(RenderFlowGroups(*response, PlainPort(*filter),
                                  StyleOf(context.terminal()), /*height=*/0),
                 context.out);
  }
  if (GroupsLeftOut(*response) > 0) {
    context.err << "ephemera: "
                << FormatCount(static_cast<uint64_t>(GroupsLeftOut(*response)))
                << " more flow groups match; --limit 0 shows all\n";
  }
  return absl::OkStatus();
}

}  // namespace

void AddTopCommand(CLI::App& app, GlobalOptions& globals, Action& action) {
  CLI::App* top = AddCommand(
      app, "top", "What holds ports now, fullest pool first", globals,
      "ephemera top\n"
      "ephemera top --agent web-1 --watch\n"
      "ephemera top --port 5774            # how many sockets, how many in "
      "TIME-WAIT\n"
      "ephemera top --to 10.0.0.2:5774\n"
      "ephemera top -o csv > pools.csv\n"
      "ephemera top --watch -o json | jq -c '.flow_groups[0].pool_fill'");
  const auto options = std::make_shared<TopOptions>();
  top->add_option("--agent", options->selector.agent, "Only this agent")
      ->type_name("AGENT")
      ->option_text("AGENT");
  AddFlowFlags(*top, options->selector);
  top->add_option("--limit", options->limit,
                  "At most this many flow groups; 0 means all, with --watch "
                  "1000 (default: 100 in a table, else all)")
      ->check(CLI::Range(0, 1'000'000))
      ->option_text("N");
  CLI::Option* watch =
      top->add_flag("--watch,-w", options->watch,
                    "Keep showing it, in place on a terminal, until Ctrl-C");
  AddDurationFlag(
      *top, "--interval", options->interval,
      {.shortest = absl::Milliseconds(200), .longest = absl::Hours(1)},
      "Time between two frames of --watch, 200ms to 1h (default: 1s)");
  top->get_option("--interval")->needs(watch);
  top->callback([&action, options] {
    action = [options](Session& session) { return Top(*options, session); };
  });
}

}  // namespace ephemera::cli
