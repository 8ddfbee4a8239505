# SPDX-License-Identifier: Apache-2.0
# mod_eas_certauth: `make help` lists the targets.

MAKEFLAGS += --no-builtin-rules
SHELL     := /bin/bash
APXS      ?= apxs
PYTHON    := /usr/bin/python3
BUILD     := build
CC        := gcc
CLANG     := clang

# ---- what is compiled, and which room may include what ---------------------------------
# A room sees its own headers and those of the rooms it is built on, nothing else:
# src/core never learns about a request_rec. tests/lint/layers.py checks the same by name.

HTTPD_INCLUDES := -isystem /usr/include/apache2
APR_INCLUDES   := -isystem /usr/include/apr-1.0
APR_FLAGS      := -DLINUX -D_REENTRANT

INCLUDES_core      := -Isrc/core
INCLUDES_trust     := -Isrc/core -Isrc/trust $(APR_INCLUDES)
INCLUDES_directory := -Isrc/core -Isrc/directory $(APR_INCLUDES)
INCLUDES_kerberos  := -Isrc/core -Isrc/kerberos $(APR_INCLUDES)
INCLUDES_jobs      := -Isrc/jobs $(APR_INCLUDES)
INCLUDES_cli       := $(addprefix -Isrc/,core trust directory kerberos cli) $(APR_INCLUDES)
INCLUDES_httpd     := $(addprefix -Isrc/,core trust directory kerberos jobs httpd) $(APR_INCLUDES) $(HTTPD_INCLUDES)

ROOMS   := core trust directory kerberos jobs
SOURCES := $(foreach room,$(ROOMS) httpd,$(wildcard src/$(room)/*.c))
HEADERS := $(wildcard src/*/*.h src/*/*.def)
PLAIN   := $(foreach room,$(ROOMS),$(wildcard src/$(room)/*.c))
UNITS   := $(wildcard tests/unit/*/test_*.c)
FUZZERS := $(wildcard tests/fuzz/fuzz_*.c)

# ---- flags -------------------------------------------------------------------------------

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wvla \
            -Wpointer-arith -Wwrite-strings -Wundef -Werror
# tests: tables leave out what a row does not need
TEST_WARNINGS := -Wno-missing-prototypes -Wno-missing-field-initializers
DEFINES  := -D_GNU_SOURCE $(APR_FLAGS) -DOPENSSL_API_COMPAT=30000 -DOPENSSL_NO_DEPRECATED
HARDEN   := -fstack-protector-strong -fstack-clash-protection -fcf-protection -D_FORTIFY_SOURCE=2
BASE     := -std=gnu11 -g $(WARNINGS) $(DEFINES) -MMD -MP
# between two requests the processor's caches fill with other things: less and nearer code is a tenth of our time less
LTO := -flto=auto
MODULE_CFLAGS  := $(BASE) -O2 $(LTO) -fPIC -fno-plt $(HARDEN) $(CPPFLAGS) $(CFLAGS)
MODULE_LDFLAGS := -O2 $(LTO) -Wl,-z,relro,-z,now $(LDFLAGS)
LIBRARIES      := -lldap -llber -lresolv -lgssapi_krb5 -lkrb5 -lk5crypto -lssl -lcrypto
ASAN  := -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
TSAN  := -O1 -fno-omit-frame-pointer -fsanitize=thread
FUZZ  := -O1 -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
TEST_LIBRARIES := $(LIBRARIES) -lk5crypto -lapr-1 -laprutil-1 -lcmocka -lpthread

MODULE  := $(BUILD)/mod_eas_certauth.so
COMMAND := $(BUILD)/eas-certauth

# V=1 shows the commands
Q := $(if $(V),,@)
SAY = $(if $(V),,@echo "  $(1) $@")

.PHONY: all help packages-build packages-check packages-bench packages-demo-file check quick-check demo demo-file demo-stop bench bench-cache unit lint fuzz fuzz-replay install deb clean
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:

all: packages-build ## build the module and the command (build/mod_eas_certauth.so, build/eas-certauth)
	@$(MAKE) --no-print-directory $(MODULE) $(COMMAND)

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

# ---- packages: what the project needs, the project installs -----------------------------------

packages-build:
	@tests/install-packages.sh packages/build.txt

packages-check:
	@tests/install-packages.sh packages/build.txt packages/check.txt packages/deb.txt tests/lab/packages.txt

packages-demo-file:
	@tests/install-packages.sh packages/build.txt packages/demo-file.txt

packages-bench:
	@tests/install-packages.sh packages/build.txt packages/bench.txt tests/lab/packages.txt

# ---- the module ------------------------------------------------------------------------------

# $(call room_rules,variant,compiler,flags): objects of every room under build/<variant>/
define room_rules
$(BUILD)/$(1)/%.o: src/%.c
	@mkdir -p $$(@D)
	$$(call SAY,cc)
	$$(Q)$(2) $(3) $$(INCLUDES_$$(patsubst %/,%,$$(dir $$*))) -c $$< -o $$@
endef

$(eval $(call room_rules,module,$(CC),$(MODULE_CFLAGS)))
$(eval $(call room_rules,asan,$(CC),$(BASE) $(ASAN)))
$(eval $(call room_rules,tsan,$(CC),$(BASE) $(TSAN)))
$(eval $(call room_rules,fuzz,$(CLANG),$(BASE) $(FUZZ)))

$(BUILD)/module/mod_eas_certauth.o: mod_eas_certauth.c
	@mkdir -p $(@D)
	$(call SAY,cc)
	$(Q)$(CC) $(MODULE_CFLAGS) $(INCLUDES_httpd) -c $< -o $@

$(MODULE): $(BUILD)/module/mod_eas_certauth.o $(SOURCES:src/%.c=$(BUILD)/module/%.o) src/httpd/exports.map
	$(call SAY,ld)
	$(Q)$(CC) -shared -Wl,--version-script=src/httpd/exports.map $(MODULE_LDFLAGS) -o $@ $(filter %.o,$^) \
	    $(LIBRARIES) -ljansson

# ---- the command -----------------------------------------------------------------------------

COMMAND_SOURCES := $(foreach room,cli core trust directory kerberos,$(wildcard src/$(room)/*.c))
COMMAND_LIBRARIES := $(LIBRARIES) -ljansson -lapr-1 -laprutil-1 -lpthread

$(COMMAND): $(COMMAND_SOURCES:src/%.c=$(BUILD)/module/%.o)
	$(call SAY,ld)
	$(Q)$(CC) -pie $(MODULE_LDFLAGS) -o $@ $^ $(COMMAND_LIBRARIES)

$(BUILD)/asan/eas-certauth: $(COMMAND_SOURCES:src/%.c=$(BUILD)/asan/%.o)
	$(call SAY,ld)
	$(Q)$(CC) $(ASAN) -o $@ $^ $(COMMAND_LIBRARIES)

# ---- what others make of a certificate, for tests/cli/test_differential.py -----------------------

DIFFERENTIAL := $(BUILD)/sss_certmap

$(DIFFERENTIAL): tests/differential/sss_certmap.c
	@mkdir -p $(@D)
	$(call SAY,cc)
	$(Q)$(CC) $(BASE) -O2 $< -lsss_certmap -ltalloc -o $@

# ---- the clock of servers whose day a test plays -------------------------------------------------

LAB_CLOCK := $(BUILD)/lab/clock.so

$(LAB_CLOCK): tests/lab/clock.c
	@mkdir -p $(@D)
	$(call SAY,cc)
	$(Q)$(CC) $(BASE) -Wno-missing-prototypes -O2 -fPIC -shared $< -o $@

# ---- unit tests and fuzz targets -----------------------------------------------------------------

ALL_INCLUDES := $(addprefix -Isrc/,$(ROOMS)) $(APR_INCLUDES)
UNIT_SHARED  := $(filter-out $(UNITS),$(wildcard tests/unit/*/*.c))

$(BUILD)/asan/rooms.a: $(PLAIN:src/%.c=$(BUILD)/asan/%.o)
$(BUILD)/tsan/rooms.a: $(PLAIN:src/%.c=$(BUILD)/tsan/%.o)
$(BUILD)/fuzz/rooms.a: $(PLAIN:src/%.c=$(BUILD)/fuzz/%.o)
$(BUILD)/%/rooms.a:
	@rm -f $@
	$(Q)ar rcs $@ $^

# $(call unit_rules,variant,flags): one program per tests/unit/<room>/test_<file>.c
define unit_rules
$(BUILD)/$(1)/unit/%: tests/unit/%.c $(BUILD)/$(1)/rooms.a $(UNIT_SHARED) $(HEADERS)
	@mkdir -p $$(@D)
	$$(call SAY,cc)
	$$(Q)$(CC) $(BASE) $(TEST_WARNINGS) $(2) $(ALL_INCLUDES) -Itests/unit -Itests/unit/$$(patsubst %/,%,$$(dir $$*)) \
	    $$< $$(filter tests/unit/$$(dir $$*)%,$(UNIT_SHARED)) $(BUILD)/$(1)/rooms.a $(TEST_LIBRARIES) -o $$@
endef

$(eval $(call unit_rules,asan,$(ASAN)))
$(eval $(call unit_rules,tsan,$(TSAN)))

$(BUILD)/fuzz/bin/%: tests/fuzz/%.c $(BUILD)/fuzz/rooms.a
	@mkdir -p $(@D)
	$(call SAY,cc)
	$(Q)$(CLANG) $(BASE) $(TEST_WARNINGS) -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
	    $(ALL_INCLUDES) $< $(BUILD)/fuzz/rooms.a $(filter-out -lcmocka,$(TEST_LIBRARIES)) -o $@

$(BUILD)/asan/replay/%: tests/fuzz/%.c tests/fuzz/replay.c $(BUILD)/asan/rooms.a
	@mkdir -p $(@D)
	$(call SAY,cc)
	$(Q)$(CC) $(BASE) $(TEST_WARNINGS) $(ASAN) $(ALL_INCLUDES) $< tests/fuzz/replay.c $(BUILD)/asan/rooms.a \
	    $(filter-out -lcmocka,$(TEST_LIBRARIES)) -o $@

UNIT_PROGRAMS   := $(UNITS:tests/unit/%.c=$(BUILD)/asan/unit/%)
TSAN_PROGRAMS   := $(BUILD)/tsan/unit/jobs/test_job_pool \
                   $(BUILD)/tsan/unit/trust/test_verdict \
                   $(BUILD)/tsan/unit/directory/test_ldap_pool \
                   $(addprefix $(BUILD)/tsan/unit/kerberos/test_,ap_req refusals service_credential thread_random ticket ticket_cache)
REPLAY_PROGRAMS := $(FUZZERS:tests/fuzz/%.c=$(BUILD)/asan/replay/%)
FUZZ_PROGRAMS   := $(FUZZERS:tests/fuzz/%.c=$(BUILD)/fuzz/bin/%)

test-programs: $(UNIT_PROGRAMS) $(TSAN_PROGRAMS) $(REPLAY_PROGRAMS) $(COMMAND) $(BUILD)/asan/eas-certauth \
               $(DIFFERENTIAL) $(BUILD)/bench/mod_eas_certauth.so $(LAB_CLOCK)

unit: packages-check ## unit tests under ASan, UBSan and TSan
	@$(MAKE) --no-print-directory -j$$(nproc) $(UNIT_PROGRAMS) $(TSAN_PROGRAMS)
	@$(PYTHON) tests/run_check.py unit

fuzz-replay: packages-check ## the fuzz targets over their committed corpora
	@$(MAKE) --no-print-directory -j$$(nproc) $(REPLAY_PROGRAMS)
	@$(PYTHON) tests/run_check.py fuzz

fuzz: packages-check ## run every fuzzer, FUZZ_SECONDS each (default 600)
	@$(MAKE) --no-print-directory -j$$(nproc) $(FUZZ_PROGRAMS)
	@tests/fuzz/run.sh $(or $(FUZZ_SECONDS),600) $(FUZZ_PROGRAMS)

# ---- benchmarks ------------------------------------------------------------------------------------
# The module's own objects and handlers that measure from inside: never installed.

BENCH_MODULE  := $(BUILD)/bench/mod_eas_certauth.so
BENCH_SOURCES := $(wildcard tests/bench/*.c)

$(BENCH_MODULE): $(BENCH_SOURCES) $(wildcard tests/bench/*.h) $(HEADERS) tests/bench/exports.map $(MODULE)
	@mkdir -p $(@D)
	$(call SAY,ld)
	$(Q)$(CC) $(BASE) -fPIC $(INCLUDES_httpd) -shared -Wl,--version-script=tests/bench/exports.map $(MODULE_LDFLAGS) \
	    -o $@ $(BENCH_SOURCES) $(BUILD)/module/mod_eas_certauth.o $(SOURCES:src/%.c=$(BUILD)/module/%.o) $(LIBRARIES) -ljansson

bench: packages-bench ## the table of docs/performance.md on this machine (BENCH_ROUNDS=5 BENCH_PARTS=... BENCH_ROWS=...)
	@$(MAKE) --no-print-directory -j$$(nproc) $(BENCH_MODULE)
	@$(PYTHON) tests/bench/run.py

bench-cache: packages-bench ## 100,000 accounts in a cache of 64 MiB: how many are found again, and how fast
	@$(MAKE) --no-print-directory -j$$(nproc) $(BENCH_MODULE)
	@$(PYTHON) tests/bench/cache.py

# ---- everything ----------------------------------------------------------------------------------

lint: packages-check ## formatting, static analysis, include rule, documentation
	@$(PYTHON) tests/run_check.py lint

check: packages-check ## every test: lint, unit, fuzz corpora, real servers (TESTS=... for pytest arguments)
	@$(MAKE) --no-print-directory -j$$(nproc) $(MODULE) test-programs
	@$(PYTHON) tests/run_check.py lint unit fuzz cli httpd

demo: packages-check ## the main job before your eyes (KEEP=1 leaves the laboratory running)
	@$(MAKE) --no-print-directory -j$$(nproc) $(MODULE)
	@$(PYTHON) tests/demo.py $(if $(KEEP),--keep)

demo-file: packages-demo-file ## the first try: accounts in a text file, no Active Directory (KEEP=1 as above)
	@$(MAKE) --no-print-directory -j$$(nproc) $(MODULE) $(COMMAND)
	@$(PYTHON) tests/demo_file.py $(if $(KEEP),--keep)

demo-stop: ## end what `make demo KEEP=1` or `make demo-file KEEP=1` left running
	@$(PYTHON) tests/demo.py --stop
	@$(PYTHON) tests/demo_file.py --stop

install: $(MODULE) $(COMMAND) ## install module, command and configuration under DESTDIR
	install -D -m 0755 $(COMMAND) $(DESTDIR)/usr/bin/eas-certauth
	install -D -m 0644 docs/eas-certauth.1 $(DESTDIR)/usr/share/man/man1/eas-certauth.1
	install -D -m 0644 $(MODULE) $(DESTDIR)$$($(APXS) -q LIBEXECDIR)/mod_eas_certauth.so
	install -D -m 0644 conf/eas_certauth.load $(DESTDIR)/etc/apache2/mods-available/eas_certauth.load
	install -D -m 0644 conf/eas_certauth.conf $(DESTDIR)/etc/apache2/mods-available/eas_certauth.conf

deb: packages-build ## build the Debian package into build/deb
	@tests/install-packages.sh packages/deb.txt
	debian/build.sh $(BUILD)/deb

print-%: # what a variable holds, for tests/lint
	@echo '$($*)'

clean: ## remove what was built
	rm -rf $(BUILD)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
