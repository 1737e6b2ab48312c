#include "google/protobuf/stubs/logging.h"

// Called once by libFuzzer. Messages that cannot be parsed are what this is
// about; protobuf would write a line about each one that is not UTF-8.
extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
  google::protobuf::SetLogHandler(nullptr);
  return 0;
}
