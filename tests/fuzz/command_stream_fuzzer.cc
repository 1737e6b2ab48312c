// A message of an agent's command stream, up to where the dispatcher takes it.
#include "controller/ingest/command_validator.h"
#include "tests/fuzz/fuzz_target.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ephemera::v1::StreamCommandsRequest request;
  if (!request.ParseFromArray(data, static_cast<int>(size))) return 0;
  const bool hello = ephemera::controller::ValidateCommandHello(request).ok();
  const bool answer = ephemera::controller::ValidateCommandAnswer(request).ok();
  ephemera::fuzz::Require(!(hello && answer),
                          "a message is a hello or an answer");
  return 0;
}
