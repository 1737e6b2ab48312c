#ifndef EPHEMERA_COMMON_SECRET_ARGUMENT_H_
#define EPHEMERA_COMMON_SECRET_ARGUMENT_H_

#include <cstring>
#include <string>

namespace ephemera {

// Overwrites `secret` where it stands in the arguments of main(), so that `ps`
// no longer shows it. Call it as soon as it has been read; before that moment
// it can be seen, which is why there are flags that name a file instead.
inline void EraseSecret(int argc, char** argv, const std::string& secret) {
  if (secret.empty()) return;
  for (int i = 0; i < argc; ++i) {
    for (char* found = std::strstr(argv[i], secret.c_str()); found != nullptr;
         found = std::strstr(found, secret.c_str())) {
      std::memset(found, '*', secret.size());
    }
  }
}

}  // namespace ephemera

#endif  // EPHEMERA_COMMON_SECRET_ARGUMENT_H_
