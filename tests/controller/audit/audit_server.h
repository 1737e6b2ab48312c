#ifndef EPHEMERA_TESTS_CONTROLLER_AUDIT_AUDIT_SERVER_H_
#define EPHEMERA_TESTS_CONTROLLER_AUDIT_AUDIT_SERVER_H_

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "controller/audit/audit_service.h"
#include "ephemera/v1/audit_service.grpc.pb.h"
#include "gtest/gtest.h"
#include "tests/controller/query_server.h"
#include "tests/controller/store/store_fixture.h"

namespace ephemera::controller {

// The audit service over a real store, on a unix socket.
class AuditServerTest : public testing::Test {
 protected:
  AuditServerTest() {
    store_.clock().SetNow(kEpoch);
    service_ = std::make_unique<AuditService>(store_->audit(), queries_,
                                              proofs_, streams_);
    server_.emplace(*service_);
    stub_ = v1::AuditService::NewStub(server_->NarrowChannel());
  }
  ~AuditServerTest() override {
    streams_.StopAll();
    server_->Shutdown();
    // Queries of calls that have ended may still run.
    queries_.Stop();
    proofs_.Stop();
  }

  v1::AuditService::Stub& stub() { return *stub_; }
  AuditStore& audit() { return store_->audit(); }

  void MustAppend(AuditDraft event) {
    std::promise<absl::Status> answer;
    ASSERT_TRUE(audit()
                    .AppendEvent(std::move(event),
                                 [&](const absl::Status& done) {
                                   answer.set_value(done);
                                 })
                    .ok());
    ASSERT_TRUE(answer.get_future().get().ok());
  }
  void MustAppend(const std::string& actor, const std::string& object = "") {
    MustAppend(
        {.actor = actor, .source = "unix", .action = "act", .object = object});
  }
  // Changes the database behind the store's back.
  void Tamper(const std::string& sql) {
    auto database = SqliteDatabase::Open(store_->database_path(),
                                         SqliteDatabase::Access::kReadWrite);
    ASSERT_TRUE(database.ok()) << database.status();
    const absl::Status status = (*database)->Execute(sql);
    ASSERT_TRUE(status.ok()) << status;
  }

  // Only so that a failing test ends.
  static void SetDeadline(grpc::ClientContext& context) {
    context.set_deadline(std::chrono::system_clock::now() +
                         std::chrono::seconds(20));
  }

  TestStore store_;
  OpenStreams streams_;

 private:
  QueryPool queries_{{}};
  QueryPool proofs_{{}};
  std::unique_ptr<AuditService> service_;
  std::optional<QueryServer> server_;
  std::unique_ptr<v1::AuditService::Stub> stub_;
};

}  // namespace ephemera::controller

#endif  // EPHEMERA_TESTS_CONTROLLER_AUDIT_AUDIT_SERVER_H_
