# SPDX-License-Identifier: GPL-3.0-or-later
# `make` builds build/rxsim, `make check` tests it, `make help` lists the targets.
#
# Knobs:  B=dir       where everything built goes (default: build)
#         SAN=list    sanitizers, e.g. SAN=address,undefined (use with its own B)
#         V=1         show the commands
#         T=name      run one test suite or more, e.g. make check T=ring or T="ring mac"
#         CC, CFLAGS, CPPFLAGS, LDFLAGS, LDLIBS, PKG_CONFIG   as usual
#         PREFIX, DESTDIR   where `make install` puts things, and the root it pretends
#         ONLY=ids    `make check-slow` breaks these mechanisms only, e.g. ONLY="C06 H"
#         FUZZ=60     seconds for each target of `make fuzz`
#         QUICK=1, LONG=1   `make bench` in a minute, or up to 10^9 frames
#         DEV=1       `make deps` also wants what `matrix`, `bench` and `lint` use

B          ?= build
SAN        ?=
V          ?=
T          ?=
DEV        ?=
QUICK      ?=
LONG       ?=
ONLY       ?=
FUZZ       ?= 60
CFLAGS     ?= -O3 -g
CPPFLAGS   ?=
LDFLAGS    ?=
LDLIBS     ?=
PKG_CONFIG ?= pkg-config
PREFIX     ?= /usr/local
DESTDIR    ?=

BINDIR  ?= $(PREFIX)/bin
DATADIR ?= $(PREFIX)/share/rxsim/scenarios
MANDIR  ?= $(PREFIX)/share/man/man1
LIBDIR  ?= $(PREFIX)/lib/rxsim
COMPDIR ?= $(PREFIX)/share/bash-completion/completions

# A release tarball carries the file VERSION; a clone asks git.
VERSION ?= $(shell cat VERSION 2>/dev/null || git describe --always --dirty 2>/dev/null || echo unknown)

# pkg-config's module and the Debian package that brings it.
MODULES      := gsl sqlite3 yaml-0.1 libpcap zlib
TEST_MODULES := check
DEBS         := gcc:gcc make:make pkg-config:pkg-config gsl.pc:libgsl-dev sqlite3.pc:libsqlite3-dev \
                yaml-0.1.pc:libyaml-dev libpcap.pc:libpcap-dev zlib.pc:zlib1g-dev csv.h:libcsv-dev check.pc:check sqlite3:sqlite3
DEV_DEBS     := clang:clang valgrind:valgrind shellcheck:shellcheck jq:jq

SRCS  := $(sort $(wildcard sim/*/*.c models/*.c))
TESTS := $(sort $(wildcard tests/*.c))
E2E   := $(sort $(wildcard tests/e2e/*.sh))
FUZZERS := $(patsubst tests/fuzz/%.c,%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))

MAIN       := $(B)/sim/cli/main.o
OBJS       := $(SRCS:%.c=$(B)/%.o)
LIB_OBJS   := $(filter-out $(MAIN),$(OBJS))
TEST_OBJS  := $(TESTS:%.c=$(B)/%.o)
SUITES     := $(patsubst tests/test_%.c,%,$(filter tests/test_%.c,$(TESTS)))
# Only what names the version or the data directory is compiled again when they change.
STAMPED    := $(patsubst %.c,$(B)/%.o,$(shell grep -lE 'RXSIM_(VERSION|DATADIR)' $(SRCS) /dev/null))

# -ffp-contract=off: a fused multiply-add would make results depend on the CPU and the compiler.
STRICT   := -std=c11 -D_GNU_SOURCE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -ffp-contract=off
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer)
# After the knobs, so that no CFLAGS can undo what determinism rests on.
COMPILE   = $(CC) $(CPPFLAGS) $(CFLAGS) $(SANFLAGS) $(STRICT) -I. -I$(B)/gen -pthread
LINK      = $(CC) $(CFLAGS) $(SANFLAGS) -pthread $(LDFLAGS)
STAMP     = -DRXSIM_VERSION='"$(VERSION)"' -DRXSIM_DATADIR='"$(DATADIR)"'

MODULE_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(MODULES) 2>/dev/null)
# libcsv comes without a pkg-config file.
MODULE_LIBS   := $(shell $(PKG_CONFIG) --libs $(MODULES) 2>/dev/null) -lcsv
TEST_CFLAGS   := $(shell $(PKG_CONFIG) --cflags $(TEST_MODULES) 2>/dev/null)
TEST_LIBS     := $(shell $(PKG_CONFIG) --libs $(TEST_MODULES) 2>/dev/null)

Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),@:,@printf '  %-5s %s\n' $(1) $(2))

MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:
.PHONY: all check check-slow check-layers check-e2e sanitize fuzz matrix bench bench-check bench-stages bench-record demo deps man lint
.PHONY: assumptions
.PHONY: install uninstall dist clean help FORCE

all: $(B)/rxsim $(B)/rxsim_timeline.so   ## build the simulator (the default)

# ---- building ----

$(B)/rxsim: $(MAIN) $(B)/librxsim.a
	$(call say,LINK,$@)
	$(Q)$(LINK) -o $@ $(MAIN) $(B)/librxsim.a $(MODULE_LIBS) $(LDLIBS)

$(B)/librxsim.a: $(LIB_OBJS) $(B)/gen/sources
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $(LIB_OBJS)

$(B)/tests/check: $(TEST_OBJS) $(B)/librxsim.a
	$(call say,LINK,$@)
	$(Q)$(LINK) -o $@ $(TEST_OBJS) $(B)/librxsim.a $(MODULE_LIBS) $(TEST_LIBS) $(LDLIBS)

# The tables of timelines for other programs: sqlite3 FILE ".load build/rxsim_timeline". It calls the SQLite of whoever
# loads it, so it links none.
EXTENSION := $(addprefix $(B)/extension/,$(addsuffix .o,sim/store/timeline sim/store/timeline_quantile \
             sim/store/chunk_scan sim/store/vtab sim/lab/chunk models/drop))

$(B)/rxsim_timeline.so: $(EXTENSION)
	$(call say,LINK,$@)
	$(Q)$(LINK) -shared -o $@ $(EXTENSION) $(shell $(PKG_CONFIG) --libs zlib) $(LDLIBS)

$(EXTENSION): $(B)/extension/%.o: %.c $(B)/gen/flags
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(COMPILE) $(MODULE_CFLAGS) -fPIC -fvisibility=hidden -DRXSIM_EXTENSION -MMD -MP -c -o $@ $<

$(OBJS): $(B)/%.o: %.c $(B)/gen/flags
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(COMPILE) $(MODULE_CFLAGS) $(if $(filter $@,$(STAMPED)),$(STAMP)) -MMD -MP -c -o $@ $<

$(TEST_OBJS): $(B)/%.o: %.c $(B)/gen/flags
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(COMPILE) $(MODULE_CFLAGS) $(TEST_CFLAGS) -MMD -MP -c -o $@ $<

$(STAMPED): $(B)/gen/version
$(B)/tests/main.o: $(B)/gen/suites.inc

-include $(OBJS:.o=.d) $(TEST_OBJS:.o=.d) $(EXTENSION:.o=.d)

# Files that are looked at each time and written only when their text changed, so that a change of flags,
# of version or of the list of files rebuilds what depends on it and nothing else.
keep = @mkdir -p $(@D); printf '%s\n' $(1) > $@.new; \
       if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

$(B)/gen/flags: FORCE
	@$(PKG_CONFIG) --exists --print-errors $(MODULES) $(TEST_MODULES) || \
	    { echo 'A library is missing. `make deps` installs it, or says what to install.' >&2; exit 1; }
	$(call keep,'$(COMPILE) $(LINK) $(MODULE_CFLAGS)')

$(B)/gen/version: FORCE
	$(call keep,'$(VERSION)' '$(DATADIR)')

$(B)/gen/sources: FORCE
	$(call keep,$(SRCS))

# One line per tests/test_NAME.c: TEST_SUITE(NAME)
$(B)/gen/suites.inc: FORCE
	$(call keep,$(patsubst %,'TEST_SUITE(%)',$(SUITES)))

# ---- testing ----

# The program of this build and the scenarios of this tree, wherever B is.
HERE = RXSIM=$(B)/rxsim RXSIM_DATA=$(CURDIR)/scenarios

# Everything else comes first, so that the last line is Check's summary.
check: $(B)/tests/check check-layers $(if $(T),,check-e2e)   ## run the tests: all, or the suites named by T=
	$(Q)$(HERE) $(B)/tests/check $(T)

# Whole programs, as a user runs them. Each script gets the program in $RXSIM and exits 0 when content.
check-e2e: $(if $(E2E),$(B)/rxsim $(B)/rxsim_timeline.so)
	$(Q)set -e; for script in $(E2E); do echo "  E2E   $$script"; $(HERE) bash "$$script"; done

# Passes only if grep ran and found nothing (status 1): a folder that moved cannot pass by accident.
never = $(Q)grep -rnE --include='*.[ch]' '\#include *["<]($(2))' $(1); test $$? -eq 1

check-layers:                   ## knowledge points one way: engine, models, lab; store, in, out; cli
	$(call never,sim/engine,models/|sim/(lab|store|in|out|cli)/|sqlite3|yaml|pcap)
	$(call never,models,sim/(lab|store|in|out|cli)/|sqlite3|yaml|pcap)
	$(call never,sim/lab,sim/(store|in|out|cli)/|sqlite3|pcap)
	$(call never,sim/store,sim/(in|out|cli)/|yaml|pcap)
	$(call never,sim/in,sim/(store|out|cli)/|sqlite3)
	$(call never,sim/out,sim/(store|in|cli)/|sqlite3|yaml)
	$(call never,sim/cli,sqlite3|yaml|pcap)

# With T=, each suite in a process of its own: what one leaves behind in the harness makes the next one's leak checks slower.
sanitize:                       ## run the tests under address and undefined-behaviour sanitizers
	$(Q)set -e; for suite in $(or $(T),''); do \
	    $(MAKE) --no-print-directory check B=$(B)/san SAN=address,undefined CFLAGS="-O1 -g" T="$$suite"; done

check-slow: $(B)/tests/check    ## break each mechanism of the coverage table: its test must fail (half an hour)
	$(Q)B=$(B) bash tests/mutants.sh $(ONLY)

# Needs clang and its run-time library (libclang-rt-14-dev). What it finds lands in $(B)/fuzz.
fuzz:                           ## libFuzzer on every parser, FUZZ seconds each
	$(Q)$(MAKE) --no-print-directory B=$(B)/fuzz CC=clang SAN=fuzzer-no-link,address,undefined \
	    CFLAGS="-O1 -g" $(B)/fuzz/librxsim.a $(FUZZERS:%=$(B)/fuzz/%)
	$(Q)set -e; for f in $(FUZZERS); do \
	    mkdir -p $(B)/fuzz/corpus/$$f; \
	    $(B)/fuzz/$$f -max_total_time=$(FUZZ) -verbosity=0 -artifact_prefix=$(B)/fuzz/$$f- \
	        $(B)/fuzz/corpus/$$f; \
	    echo "  FUZZ  $$f: nothing found in $(FUZZ) s"; done

$(FUZZERS:%=$(B)/%): $(B)/fuzz_%: tests/fuzz/fuzz_%.c $(B)/librxsim.a
	$(call say,FUZZ,$@)
	$(Q)$(COMPILE) $(MODULE_CFLAGS) -fsanitize=fuzzer -o $@ $< $(B)/librxsim.a $(MODULE_LIBS) $(LDLIBS)

matrix:                         ## same fingerprints from gcc -O0 -O2 -O3, clang, without FMA, and on any -j
	$(Q)MAKE="$(MAKE)" B=$(B) bash tests/matrix.sh

assumptions: $(B)/rxsim         ## how much the answers move if an assumed cost is 20 % off: a table in results/reference
	$(Q)$(HERE) bash tests/assumptions.sh > results/reference/assumptions.md.new
	$(Q)mv results/reference/assumptions.md.new results/reference/assumptions.md

# What speed is held against: loops and a heap of our own, compiled like the simulator.
BENCHES := $(patsubst tests/bench/%.c,$(B)/bench/%,$(sort $(wildcard tests/bench/*.c)))

$(BENCHES): $(B)/bench/%: tests/bench/%.c $(B)/librxsim.a $(B)/gen/flags
	$(call say,BENCH,$@)
	@mkdir -p $(@D)
	$(Q)$(COMPILE) $(MODULE_CFLAGS) $(LDFLAGS) -MMD -MP -o $@ $< $(B)/librxsim.a $(MODULE_LIBS) $(LDLIBS)

-include $(BENCHES:=.d)

bench: $(B)/rxsim $(BENCHES)    ## a table of speed: ratios of this sitting, instructions, memory (QUICK=1: a minute; LONG=1: 10^9 frames)
	$(Q)$(HERE) BENCH=$(B)/bench CFLAGS="$(CFLAGS)" QUICK=$(QUICK) LONG=$(LONG) bash tests/bench/bench.sh

bench-check: $(B)/rxsim         ## instructions per frame against tests/bench/instructions.csv, 3 % up or down
	$(Q)$(HERE) CFLAGS="$(CFLAGS)" bash tests/bench/instructions.sh check

bench-stages: $(B)/rxsim        ## where the instructions of a frame go, by stage
	$(Q)$(HERE) bash tests/bench/stages.sh

bench-record: $(B)/rxsim        ## write tests/bench/instructions.csv anew
	$(Q)$(HERE) CFLAGS="$(CFLAGS)" bash tests/bench/instructions.sh record

lint:                           ## shellcheck on the scripts
	$(Q)shellcheck $(wildcard .ci/run tests/*.sh tests/bench/*.sh) $(E2E)

# ---- demo: from a bare machine to the first answer ----

# Ring size against netdev_budget on an old and a new kernel, over a real capture: what moves the drops?
DEMO_SWEEP = sweep scenarios/demo.yaml --vary kernel.version=3.10,6.12 \
             --vary nic.ring.rx=256,512,1024,2048,4096 --vary net.core.netdev_budget=16,64,300,1200 --reps 5

demo:                           ## install what is missing, build, and sweep a real capture
	$(Q)$(MAKE) --no-print-directory deps
	$(Q)$(MAKE) --no-print-directory all
	$(B)/rxsim $(DEMO_SWEEP)
	@echo 'The ring moves the drops. The budget does something on 3.10 and nothing on 6.12 (README.md says why).'

# ---- packages ----

define DEPS_SCRIPT
set -e
missing=
for pair in $(DEBS) $(if $(DEV),$(DEV_DEBS)); do
    need=$${pair%%:*} deb=$${pair#*:}
    case $$need in
    *.pc) $(PKG_CONFIG) --exists "$${need%.pc}" 2>/dev/null && continue ;;
    *.h) printf '#include <%s>\n' "$$need" | $(CC) -E - >/dev/null 2>&1 && continue ;;
    *) command -v "$$need" >/dev/null && continue ;;
    esac
    dpkg-query -W -f='$${Status}' "$$deb" 2>/dev/null | grep -q '^install ok installed' && continue
    missing="$$missing $$deb"
done
if [ -z "$$missing" ]; then
    echo "All packages are there."
elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing:$$missing"
    export DEBIAN_FRONTEND=noninteractive
    apt-get install -y --no-install-recommends $$missing || {
        apt-get update
        apt-get install -y --no-install-recommends $$missing
    }
else
    echo "Missing:$$missing. Run this, or your system's like of it:" >&2
    echo "    sudo apt-get install -y$$missing" >&2
    exit 3
fi
endef
export DEPS_SCRIPT

deps:                           ## install the Debian packages needed (as root), or print the command
	@printf '%s\n' "$$DEPS_SCRIPT" | bash

# ---- installing ----

man: $(B)/rxsim.1               ## the manual page, from the program's own tables

$(B)/rxsim.1: $(B)/rxsim
	$(Q)$(B)/rxsim --man > $@

SCENARIOS := $(patsubst scenarios/%,%,$(shell find scenarios -type f 2>/dev/null | sort))

install: $(B)/rxsim $(B)/rxsim_timeline.so $(B)/rxsim.1   ## install under $(DESTDIR)$(PREFIX)
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(MANDIR) $(DESTDIR)$(COMPDIR) $(DESTDIR)$(DATADIR) $(DESTDIR)$(LIBDIR)
	install -m 755 $(B)/rxsim $(DESTDIR)$(BINDIR)/rxsim
	install -m 644 $(B)/rxsim_timeline.so $(DESTDIR)$(LIBDIR)/rxsim_timeline.so
	install -m 644 $(B)/rxsim.1 $(DESTDIR)$(MANDIR)/rxsim.1
	$(B)/rxsim --completion > $(B)/completion.bash
	install -m 644 $(B)/completion.bash $(DESTDIR)$(COMPDIR)/rxsim
	$(Q)set -e; for f in $(SCENARIOS); do install -D -m 644 "scenarios/$$f" "$(DESTDIR)$(DATADIR)/$$f"; done

uninstall:                      ## remove what install put there
	rm -f $(DESTDIR)$(BINDIR)/rxsim $(DESTDIR)$(MANDIR)/rxsim.1 $(DESTDIR)$(COMPDIR)/rxsim
	rm -rf $(DESTDIR)$(DATADIR) $(DESTDIR)$(LIBDIR)

# The last commit, not the work tree, with its version inside.
dist: RELEASE = $(shell git describe --always)
dist:                           ## rxsim-VERSION.tar.gz of the last commit
	@mkdir -p $(B)
	@echo $(RELEASE) > $(B)/VERSION
	git archive --format=tar.gz --prefix=rxsim-$(RELEASE)/ --add-file=$(B)/VERSION \
	    -o $(B)/rxsim-$(RELEASE).tar.gz HEAD

clean:                          ## remove what was built
	rm -rf $(B)

help:                           ## this list
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' Makefile | expand -t 16
