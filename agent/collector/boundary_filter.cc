#include "agent/collector/boundary_filter.h"

#include <algorithm>

namespace ephemera::agent {

void BoundaryFilter::BeginChunk() {
  // A chunk of acknowledgements or control messages only is no boundary.
  if (seen_ == 0) return;
  before_ = recent_;
  before_count_ = std::min(seen_, kWindow);
  seen_ = 0;
}

bool BoundaryFilter::IsRepeat(const SocketRecord& record, uint64_t identity) {
  Entry& entry = recent_[seen_ % kWindow];
  entry.local_address = record.local_address;
  entry.remote_address = record.remote_address;
  entry.identity = identity;
  entry.local_port = record.local_port;
  entry.remote_port = record.remote_port;
  if (seen_++ >= kWindow) return false;
  const Entry* const end = before_.data() + before_count_;
  return std::find<const Entry*>(before_.data(), end, entry) != end;
}

}  // namespace ephemera::agent
