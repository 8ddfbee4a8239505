/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into servers of the laboratory: their wall clock, ahead of the machine's by the seconds in the file
 * EAS_LAB_CLOCK (an int64, shared memory). The monotonic clock is left alone. clock.py is what tests use.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const _Atomic int64_t *seconds_passed;

__attribute__((constructor)) static void open_clock(void)
{
    const char *const path = getenv("EAS_LAB_CLOCK");
    const int file = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *memory = MAP_FAILED;

    if (file < 0)
        return;
    memory = mmap(NULL, sizeof *seconds_passed, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (memory != MAP_FAILED)
        seconds_passed = memory;
}

int clock_gettime(clockid_t clock, struct timespec *out)
{
    const int status = (int)syscall(SYS_clock_gettime, clock, out);

    if (status == 0 && seconds_passed != NULL && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        out->tv_sec += atomic_load_explicit(seconds_passed, memory_order_relaxed);
    return status;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
    struct timespec now;
    (void)zone;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    out->tv_sec = now.tv_sec;
    out->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *out)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (out != NULL)
        *out = now.tv_sec;
    return now.tv_sec;
}
