#ifndef EPHEMERA_CONTROLLER_INGEST_ANSWER_TRACKER_H_
#define EPHEMERA_CONTROLLER_INGEST_ANSWER_TRACKER_H_

#include <cstdint>
#include <string>
#include <utility>

#include "ephemera/v1/ingest_service.pb.h"

namespace ephemera::controller {

// What one stream's peer was told last, and whether there is more to tell. Not
// thread-safe.
class AnswerTracker {
 public:
  // The peer waits for an answer, also one that says nothing new.
  void Demand() { demanded_ = true; }

  // Why nothing can be stored; empty where all is well.
  void SetFault(std::string fault) { fault_ = std::move(fault); }

  // Whether an answer is due; if so, it is written to `response` and counts as
  // told.
  bool Next(uint64_t acknowledged, v1::StreamSamplesResponse& response) {
    if (!demanded_ && acknowledged <= told_acknowledged_ &&
        fault_ == told_fault_) {
      return false;
    }
    demanded_ = false;
    told_acknowledged_ = acknowledged;
    told_fault_ = fault_;
    response.set_acknowledged_sequence(told_acknowledged_);
    response.set_storage_fault(told_fault_);
    return true;
  }

 private:
  bool demanded_ = false;
  std::string fault_;
  uint64_t told_acknowledged_ = 0;
  std::string told_fault_;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_INGEST_ANSWER_TRACKER_H_
