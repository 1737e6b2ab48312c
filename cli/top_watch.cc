#include "cli/top_watch.h"

#include <poll.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/flow_selector.h"
#include "cli/flow_view.h"
#include "cli/flow_watcher.h"
#include "cli/screen.h"
#include "common/duration.h"
#include "common/proto_time.h"

namespace ephemera::cli {
namespace {

// Where answers go. Each is drawn as it comes; Redraw() follows a new window
// size.
class FrameSink {
 public:
  virtual ~FrameSink() = default;
  virtual void Show(v1::ListFlowGroupsResponse response) = 0;
  virtual void ShowBroken(const absl::Status& status) = 0;
  virtual void Redraw() {}
  // Gives the terminal back until the next Redraw().
  virtual void Leave() {}
};

class PipeSink final : public FrameSink {
 public:
  PipeSink(Session& session, uint32_t port) : session_(session), port_(port) {}

  void Show(v1::ListFlowGroupsResponse response) override {
    std::ostream& out = session_.context.out;
    switch (session_.options.format) {
      case OutputFormat::kJson:
        out << ToJson(response, /*one_line=*/true);
        break;
      case OutputFormat::kCsv:
        if (first_) WriteFlowCsvHeader(out);
        WriteFlowCsvRows(response, out);
        break;
      case OutputFormat::kTable: {
        const auto time = FromProto(response.read_time());
        if (!first_) out << '\n';
        if (time.ok()) out << FormatIsoTime(*time) << '\n';
        PrintLines(RenderFlowGroups(response, port_,
                                    StyleOf(session_.context.terminal()),
                                    /*height=*/0),
                   out);
      }
    }
    first_ = false;
    broken_.clear();
    out.flush();
    if (GroupsLeftOut(response) > 0 && !std::exchange(noted_, true)) {
      Note(absl::StrCat("of ", response.total_size(), " flow groups the first ",
                        response.flow_groups_size(),
                        " are shown; --limit shows up to 1000, --port, --to "
                        "and --agent choose"));
    }
  }

  void ShowBroken(const absl::Status& status) override {
    // Once, however often it is tried.
    if (broken_ == status.message()) return;
    broken_ = std::string(status.message());
    Note(absl::StrCat("retrying: ", broken_));
  }

 private:
  void Note(const std::string& text) {
    session_.context.err << "ephemera: " << EscapeText(text) << std::endl;
  }

  Session& session_;
  const uint32_t port_;
  bool first_ = true;
  bool noted_ = false;
  // Why the stream is broken; empty where it is not.
  std::string broken_;
};

class ScreenSink final : public FrameSink {
 public:
  ScreenSink(Session& session, uint32_t port, absl::Duration interval)
      : session_(session), port_(port), interval_(interval) {}

  void Show(v1::ListFlowGroupsResponse response) override {
    response_ = std::move(response);
    broken_.clear();
    Redraw();
  }

  void ShowBroken(const absl::Status& status) override {
    broken_ = EscapeText(status.message());
    Redraw();
  }

  void Leave() override { screen_.reset(); }

  void Redraw() override {
    // Not entered before there is something to show: an error before the first
    // answer stays in the user's sight.
    if (screen_ == nullptr) {
      screen_ = std::make_unique<Screen>(session_.context.out);
    }
    const Terminal terminal = session_.context.terminal();
    const TextStyle style = StyleOf(terminal);
    std::vector<std::string> lines = {Title(style), ""};
    const size_t height =
        static_cast<size_t>(std::max(terminal.height, 5)) - lines.size();
    for (std::string& line :
         RenderFlowGroups(response_, port_, style, height)) {
      lines.push_back(std::move(line));
    }
    screen_->Draw(lines);
  }

 private:
  std::string Title(const TextStyle& style) const {
    const auto time = FromProto(response_.read_time());
    const std::string when =
        time.ok() ? absl::FormatTime("%H:%M:%S", *time, session_.context.zone)
                  : "";
    std::string title;
    if (!broken_.empty()) {
      title = absl::StrCat("retrying, figures of ", when, ": ", broken_);
    } else {
      size_t off = 0;
      for (const v1::MatchTotals& totals : response_.totals()) {
        off += totals.agent_connected() ? 0 : 1;
      }
      title =
          absl::StrCat("ephemera top  ", when, "  ", response_.totals_size(),
                       response_.totals_size() == 1 ? " agent" : " agents");
      if (off > 0) absl::StrAppend(&title, " (", off, " off)");
      absl::StrAppend(&title, "  every ", DurationText(interval_),
                      "  Ctrl-C ends");
    }
    if (style.width > 0) {
      title = Truncate(title, static_cast<size_t>(style.width), style.utf8);
    }
    if (!style.color) return title;
    return Colored(title, broken_.empty() ? Color::kDim : Color::kRed);
  }

  Session& session_;
  const uint32_t port_;
  const absl::Duration interval_;
  v1::ListFlowGroupsResponse response_;
  std::string broken_;
  std::unique_ptr<Screen> screen_;
};

// Whether the controller may answer later what it refuses now. UNKNOWN and
// CANCELLED are what gRPC makes of a peer that is killed or shuts down in the
// middle of a stream.
bool MayRecover(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) ||
         absl::IsResourceExhausted(status) || absl::IsUnknown(status) ||
         absl::IsCancelled(status);
}

}  // namespace

absl::Status WatchTop(const v1::WatchFlowGroupsRequest& request,
                      Session& session) {
  Context& context = session.context;
  // Before the first RPC: the threads that gRPC starts inherit the mask.
  auto signals = context.catch_signals();
  if (!signals.ok()) return signals.status();
  const auto channel = session.connection.Channel();
  if (!channel.ok()) return channel.status();
  auto watcher = FlowWatcher::Create(*channel, request);
  if (!watcher.ok()) return watcher.status();

  std::unique_ptr<FrameSink> sink;
  const uint32_t port = PlainPort(request.filter());
  if (context.terminal().interactive &&
      session.options.format == OutputFormat::kTable) {
    const auto interval = FromProto(request.interval());
    sink = std::make_unique<ScreenSink>(session, port,
                                        interval.value_or(absl::Seconds(1)));
  } else {
    sink = std::make_unique<PipeSink>(session, port);
  }

  bool answered = false;
  const auto timeout_ms = static_cast<int>(std::min<int64_t>(
      absl::ToInt64Milliseconds(session.connection.timeout()), INT32_MAX));
  while (context.out) {
    pollfd wait[] = {{.fd = (*watcher)->fd(), .events = POLLIN, .revents = 0},
                     {.fd = (*signals)->fd(), .events = POLLIN, .revents = 0}};
    if (poll(wait, 2, answered ? -1 : timeout_ms) == 0) {
      return session.connection.Explain(
          grpc::Status(grpc::StatusCode::DEADLINE_EXCEEDED, ""));
    }
    for (FlowWatcher::Event& event : (*watcher)->Take()) {
      if (event.response.has_value()) {
        answered = true;
        sink->Show(*std::move(event.response));
        continue;
      }
      absl::Status status = session.connection.Explain(event.broken);
      if (!answered || !MayRecover(status)) return status;
      sink->ShowBroken(status);
    }
    for (auto event = (*signals)->Take(); event != Signals::Event::kNone;
         event = (*signals)->Take()) {
      if (event == Signals::Event::kStop) return absl::OkStatus();
      if (event == Signals::Event::kSuspend) {
        sink->Leave();
        (*signals)->Suspend();
      }
      if (answered) sink->Redraw();
    }
  }
  return absl::OkStatus();
}

}  // namespace ephemera::cli
