#ifndef EPHEMERA_COMMON_INGEST_PROTOCOL_H_
#define EPHEMERA_COMMON_INGEST_PROTOCOL_H_

// What IngestService agrees on that its .proto can only say in words.
namespace ephemera {

// Trailing metadata of a stream that ended with INVALID_ARGUMENT because of a
// batch: the batch's sequence number, in decimal.
inline constexpr char kRefusedSequenceKey[] = "ephemera-refused-sequence";

}  // namespace ephemera

#endif  // EPHEMERA_COMMON_INGEST_PROTOCOL_H_
