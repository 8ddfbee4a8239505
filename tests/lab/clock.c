/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into servers of the laboratory: their wall clock, ahead of the machine's by the seconds that the file
 * EAS_LAB_CLOCK says (shared memory). The monotonic clock is left alone. clock.py is what tests use.
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

/* The file: as clock.py has it. */
struct lab_clock {
    _Atomic int64_t passed;
    _Atomic int64_t reads; /* until `leap` is added to `passed`, by servers with EAS_LAB_CLOCK_LEAPS */
    int64_t leap;
};

static struct lab_clock *lab_clock;
static int leaps;

__attribute__((constructor)) static void open_clock(void)
{
    const char *const path = getenv("EAS_LAB_CLOCK");
    const int file = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *memory = MAP_FAILED;

    if (file < 0)
        return;
    memory = mmap(NULL, sizeof *lab_clock, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (memory == MAP_FAILED)
        return;
    lab_clock = memory;
    leaps = getenv("EAS_LAB_CLOCK_LEAPS") != NULL;
}

static int64_t read_passed(void)
{
    if (leaps && atomic_load(&lab_clock->reads) > 0 && atomic_fetch_sub(&lab_clock->reads, 1) == 1)
        atomic_fetch_add(&lab_clock->passed, lab_clock->leap);
    return atomic_load(&lab_clock->passed);
}

int clock_gettime(clockid_t clock, struct timespec *out)
{
    const int status = (int)syscall(SYS_clock_gettime, clock, out);

    if (status == 0 && lab_clock != NULL && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        out->tv_sec += read_passed();
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
