/* SPDX-License-Identifier: Apache-2.0 */
/* What the benchmark's own module is made of; linked with the objects of the one that is shipped, never into it. */
#ifndef ECA_BENCH_PROBE_H
#define ECA_BENCH_PROBE_H

#include <httpd.h>
#include <http_config.h>

extern module AP_MODULE_DECLARE_DATA eas_bench_module;

/* Handler `eas-bench-cache`: fills and searches the cache of accounts; see cache_probe.c for its query. */
int eca_cache_probe_handle(request_rec *r);

/* Handler `eas-bench-tickets`: tickets, tokens and refusals of made-up users; see ticket_probe.c for its query. */
int eca_ticket_probe_handle(request_rec *r);

/* Handler `eas-bench-hooks`: what requests to this child spent in our hooks since the last time, as JSON. */
int eca_hook_probe_handle(request_rec *r);

/* post_config: puts a stopwatch around every hook of mod_eas_certauth. */
void eca_hook_probe_install(void);

/* Makes the filter that ends the time of ours in an answer's first brigade. */
void eca_hook_probe_register(void);

/* log_transaction: keeps the request's times. */
int eca_hook_probe_keep(request_rec *r);

/* The median and the 99th percentile of `count` values, which are sorted in place. */
struct eca_probe_spread {
    double median, p99;
};
struct eca_probe_spread eca_probe_spread_of(uint32_t *values, size_t count);

/* Nanoseconds of a clock that costs some 30 ns to read. */
uint64_t eca_probe_now(void);

#endif
