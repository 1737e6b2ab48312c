// A shared library for LD_PRELOAD: shifts the wall clock of one process, and
// nothing else, by the seconds that stand in the file that
// EPHEMERA_WALL_CLOCK_SHIFT names (a 64-bit integer; it may change at any
// time). Without the file the clock is right.
//
// Waits until a time of day go along: Abseil's are futex system calls with an
// absolute timeout of CLOCK_REALTIME, which the kernel reads on its own, right
// clock; unshifted they would all end at once, and their threads spin.
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdarg>
#include <cstdint>
#include <cstdlib>

namespace {

int64_t Shift() {
  static const std::atomic<int64_t>* const shift =
      []() -> const std::atomic<int64_t>* {
    const char* path = getenv("EPHEMERA_WALL_CLOCK_SHIFT");
    const int fd = path == nullptr ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return nullptr;
    void* memory = mmap(nullptr, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    return memory == MAP_FAILED
               ? nullptr
               : static_cast<const std::atomic<int64_t>*>(memory);
  }();
  return shift == nullptr ? 0 : shift->load();
}

// intptr_t is the long of the real declaration.
using SystemCall = intptr_t (*)(intptr_t, ...);

SystemCall RealSystemCall() {
  static const auto call =
      reinterpret_cast<SystemCall>(dlsym(RTLD_NEXT, "syscall"));
  return call;
}

}  // namespace

extern "C" {

intptr_t syscall(intptr_t number, ...) noexcept {
  va_list list;
  va_start(list, number);
  void* arguments[6];
  for (void*& argument : arguments) argument = va_arg(list, void*);
  va_end(list);
  timespec until;
  if (number == SYS_futex && arguments[3] != nullptr &&
      (reinterpret_cast<intptr_t>(arguments[1]) & FUTEX_CLOCK_REALTIME) != 0) {
    until = *static_cast<const timespec*>(arguments[3]);
    until.tv_sec -= Shift();
    arguments[3] = &until;
  }
  return RealSystemCall()(number, arguments[0], arguments[1], arguments[2],
                          arguments[3], arguments[4], arguments[5]);
}

int clock_gettime(clockid_t clock, timespec* time) noexcept {
  const auto result = static_cast<int>(syscall(SYS_clock_gettime, clock, time));
  if (result == 0 &&
      (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    time->tv_sec += Shift();
  }
  return result;
}

int gettimeofday(timeval* time, void* zone) noexcept {
  (void)zone;
  timespec now = {};
  if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
  time->tv_sec = now.tv_sec;
  time->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t* result) noexcept {
  timespec now = {};
  clock_gettime(CLOCK_REALTIME, &now);
  if (result != nullptr) *result = now.tv_sec;
  return now.tv_sec;
}

}  // extern "C"
