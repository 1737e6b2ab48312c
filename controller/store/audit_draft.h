#ifndef EPHEMERA_CONTROLLER_STORE_AUDIT_DRAFT_H_
#define EPHEMERA_CONTROLLER_STORE_AUDIT_DRAFT_H_

#include <map>
#include <string>

#include "ephemera/v1/audit_service.pb.h"

namespace ephemera::controller {

// An audit event before the log gives it its place and time. The fields are
// those of v1::AuditEvent. None may hold a secret.
struct AuditDraft {
  std::string actor;
  std::string source;
  std::string request_id{};
  std::string action{};
  std::string object{};
  std::map<std::string, std::string> before{};
  std::map<std::string, std::string> after{};
  v1::AuditEvent::Outcome outcome = v1::AuditEvent::OUTCOME_OK;
  std::string message{};
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_STORE_AUDIT_DRAFT_H_
