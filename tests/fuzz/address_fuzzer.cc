// Addresses: of a controller, and of a socket.
#include "common/address.h"
#include "common/ip_address.h"
#include "tests/fuzz/fuzz_target.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text = ephemera::fuzz::Text(data, size);
  const auto controller = ephemera::ParseControllerAddress(text);
  if (controller.ok()) {
    ephemera::fuzz::Require(controller->is_unix() == controller->host.empty(),
                            "an address is a path or a host");
    controller->is_loopback();
  }
  const auto address = ephemera::IpAddress::Parse(text);
  if (address.ok()) {
    const auto again = ephemera::IpAddress::Parse(address->ToString());
    ephemera::fuzz::Require(again.ok() && *again == *address,
                            "an address reads as it is written");
  }
  return 0;
}
