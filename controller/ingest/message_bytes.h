#ifndef EPHEMERA_CONTROLLER_INGEST_MESSAGE_BYTES_H_
#define EPHEMERA_CONTROLLER_INGEST_MESSAGE_BYTES_H_

#include "grpcpp/impl/codegen/proto_utils.h"
#include "grpcpp/support/byte_buffer.h"

// Messages as raw gRPC methods carry them. gRPC ends a call with OK where it
// cannot parse what it reads; a raw method can say that this is an error.
namespace ephemera::controller {

// False where `bytes` are no `Message`, text that is not UTF-8 included, which
// leaves it in any state. `bytes` are gone either way.
template <typename Message>
[[nodiscard]] bool FromBytes(grpc::ByteBuffer& bytes, Message& message) {
  return grpc::SerializationTraits<Message>::Deserialize(&bytes, &message).ok();
}

template <typename Message>
grpc::ByteBuffer ToBytes(const Message& message) {
  grpc::ByteBuffer bytes;
  bool own_buffer = true;
  // Fails only beyond 2 GiB.
  grpc::SerializationTraits<Message>::Serialize(message, &bytes, &own_buffer);
  return bytes;
}

}  // namespace ephemera::controller

#endif  // EPHEMERA_CONTROLLER_INGEST_MESSAGE_BYTES_H_
