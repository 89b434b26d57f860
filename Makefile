# apigw-gen: build, test, install. `make help` lists the targets; `V=1` prints the commands.
# The two commands of the README: `make demo`, `make test`. All output goes to build/$(VARIANT)/. VARIANT: release (default), debug, san (ASan and UBSan).

VARIANT ?= release
PREFIX  ?= /usr/local
ifeq ($(origin CC),default)
CC := gcc
endif
PYTHON  ?= /usr/bin/python3
RE2C    ?= re2c
TIME    ?= 10m
CORPUS  ?= ../shared/corpus

B       := build/$(VARIANT)
VERSION := 1.0.0

WARN    := -Wall -Wextra -Werror -Wshadow -Wconversion -Wno-sign-conversion -Wimplicit-fallthrough \
           -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2
OPT_release := -O2 -g
OPT_debug   := -O0 -g
OPT_fuzz    := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
OPT_san     := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
LINK_release := -static-pie -Wl,-z,relro,-z,now
LINK_debug   := -static-pie
LINK_san     := -fsanitize=address,undefined
LTO_release := -flto -ffat-lto-objects
HARDEN  := -fPIE -fstack-protector-strong
CFLAGS_ALL = -std=c11 -D_GNU_SOURCE $(OPT_$(VARIANT)) $(HARDEN) $(WARN) -MMD -MP $(CPPFLAGS) $(CFLAGS)

RT_C   := $(wildcard runtime/*.c runtime/*/*.c)
RT_RE  := $(wildcard runtime/*/*.re)
GEN_C  := $(wildcard gen/*.c gen/*/*.c)
GEN_RE := $(wildcard gen/*.re)
MUSTACHE := $(sort $(wildcard templates/*.mustache templates/*/*.mustache))
RT_O   := $(RT_C:%.c=$(B)/%.o) $(RT_RE:%.re=$(B)/%.o)
BASE_O := $(filter $(B)/runtime/base/%,$(RT_O))
GEN_O  := $(GEN_C:%.c=$(B)/%.o) $(GEN_RE:%.re=$(B)/%.o) $(B)/gen/templates.o
HEADERS := $(wildcard runtime/*.h runtime/*/*.h)

GEN_LIBS := -lcyaml -lyaml -ljwt -lcrypto -lm
RT_LIBS  := -levent_core -levent_pthreads -lcares -lm -lpthread
RT_LIBS_tls   := -lssl -lcrypto
RT_LIBS_http2 := -lnghttp2
RT_LIBS_yaml  := -lyaml
RT_LIBS_all   := $(RT_LIBS_yaml) $(RT_LIBS_http2) $(RT_LIBS_tls) $(RT_LIBS)

ifneq ($(V),1)
Q := @
say = @echo "  $(1) $(2)"
endif

all: $(B)/apigw-gen $(B)/kit/libgw.a $(B)/kit/flags.mk  ## build the compiler and the runtime kit

$(B)/gen/%.o: gen/%.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(CFLAGS_ALL) -DAPIGW_VERSION='"$(VERSION)"' -iquote gen -iquote runtime -c -o $@ $<
$(B)/runtime/%.o: runtime/%.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(CFLAGS_ALL) $(LTO_$(VARIANT)) -ffunction-sections -iquote runtime -c -o $@ $<
$(B)/%.c: %.re
	$(call say,RE2C,$<)
	$(Q)mkdir -p $(@D) && $(RE2C) -W --no-generation-date --no-version -i -o $@ $<
$(B)/runtime/%.o: $(B)/runtime/%.c
	$(call say,CC,$<)
	$(Q)$(CC) $(CFLAGS_ALL) $(LTO_$(VARIANT)) -ffunction-sections -iquote runtime -c -o $@ $<
$(B)/gen/%.o: $(B)/gen/%.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(CFLAGS_ALL) -iquote gen -iquote runtime -c -o $@ $<
$(B)/gen/templates.c: $(MUSTACHE) gen/bake.awk
	$(call say,BAKE,templates)
	$(Q)mkdir -p $(@D) && LC_ALL=C awk -f gen/bake.awk $(MUSTACHE) > $@.tmp && mv $@.tmp $@
.PRECIOUS: $(B)/%.c

$(B)/libapigw.a: $(filter-out $(B)/gen/main.o,$(GEN_O)) $(BASE_O)
	$(Q)rm -f $@ && ar rcs $@ $^
$(B)/apigw-gen: $(B)/gen/main.o $(B)/libapigw.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS_ALL) -pie $(filter -fsanitize%,$(LINK_$(VARIANT))) $(LDFLAGS) -o $@ $^ $(GEN_LIBS)
	$(Q)$@ check-templates || { rm -f $@; exit 1; }
$(B)/kit/libgw.a: $(RT_O)
	$(call say,AR,$@)
	$(Q)mkdir -p $(@D) && rm -f $@ && gcc-ar rcs $@ $^ && mkdir -p $(@D)/include && \
	    (cd runtime && cp -p --parents $$(find . -name '*.h') ../$(@D)/include)
$(B)/kit/flags.mk: Makefile
	$(Q)mkdir -p $(@D) && printf '%s\n' 'GW_CFLAGS := -std=c11 -D_GNU_SOURCE $(OPT_$(VARIANT)) $(HARDEN)' \
	    'GW_LDFLAGS := $(LINK_$(VARIANT))' 'GW_LIBS := $(RT_LIBS)' 'GW_LIBS_TLS := $(RT_LIBS_tls)' 'GW_LIBS_HTTP2 := $(RT_LIBS_http2)' 'GW_LIBS_YAML := $(RT_LIBS_yaml)' > $@

# ---- unit tests: each tests/unit/*/test_x.c is a program
UNIT_GEN := $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/unit/gen/*.c))
UNIT_RT  := $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/unit/runtime/*.c))
$(B)/tests/unit/gen/%: tests/unit/gen/%.c $(B)/libapigw.a
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(CFLAGS_ALL) -Wno-missing-prototypes -DAPIGW_VERSION='"$(VERSION)"' -iquote gen -iquote runtime -iquote tests/lib $(filter -fsanitize%,$(LINK_$(VARIANT))) -o $@ $< $(B)/libapigw.a -lcmocka $(GEN_LIBS)
$(B)/tests/unit/runtime/%: tests/unit/runtime/%.c $(B)/kit/libgw.a
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(CFLAGS_ALL) -Wno-missing-prototypes -iquote runtime -iquote tests/lib $(filter -fsanitize%,$(LINK_$(VARIANT))) -o $@ $< $(B)/kit/libgw.a -lcmocka $(TEST_LIBS) $(RT_LIBS_all)
$(B)/tests/unit/runtime/test_jwt_libjwt: TEST_LIBS := -ljwt

unit: $(UNIT_GEN) $(UNIT_RT)  ## unit tests
	$(Q)for t in $^; do $$t || exit 1; done

# ---- tests, checks, measurements
PYTEST = APIGW_GEN=$(CURDIR)/$(B)/apigw-gen CORPUS=$(CORPUS) $(PYTHON) -m pytest -q -p no:cacheprovider --timeout=300
FORMATTED := $(wildcard gen/*.[ch] gen/*/*.[ch] runtime/*.[ch] runtime/*/*.[ch] tests/unit/*/*.c tests/fuzz/*.c tests/bench/*.c)
SIZED := $(wildcard gen/*.[ch] gen/*/*.[ch] gen/*.re runtime/*.[ch] runtime/*/*.[ch] runtime/*/*.re)

test: DEPS = test
test: deps  ## install what the tests need, then run them all (ten minutes)
	$(Q)$(MAKE) --no-print-directory -j2 all
	$(Q)$(MAKE) --no-print-directory lint
	$(Q)$(MAKE) --no-print-directory -j2 -k build-unit
	$(Q)$(MAKE) --no-print-directory unit
	$(Q)$(PYTEST) -n 3 tests/golden tests/e2e
e2e golden: all  ## pytest over real sockets; compiler goldens (RUN="-k word" selects)
	$(Q)$(PYTEST) $(RUN) tests/$@
golden-accept: examples schema  ## rewrite the goldens and examples/*/expected, for review by git diff
	$(Q)GOLDEN_ACCEPT=1 $(PYTEST) tests/golden
build-unit: $(UNIT_GEN) $(UNIT_RT)
test-long: DEPS = test
test-long: deps  ## sanitizers, fuzzing, the corpus, a soak: shares out TIME
	$(Q)tests/lib/long.sh $(TIME) $(CORPUS)
lint:  ## the architecture, sizes, formatting
	$(Q)awk -v root=gen/ -f tests/lint/floors.awk tests/lint/floors.gen $(filter gen/%,$(SIZED))
	$(Q)awk -v root=runtime/ -f tests/lint/floors.awk tests/lint/floors.runtime $(filter runtime/%,$(SIZED))
	$(Q)tests/lint/homes.sh && tests/lint/no-c-in-gen.sh && tests/lint/spelling.sh && tests/lint/sizes.sh $(SIZED)
	$(Q)for h in $(filter %.h,$(SIZED)); do $(CC) -std=c11 -D_GNU_SOURCE -iquote gen -iquote runtime -fsyntax-only -x c $$h || exit 1; done
	$(Q)clang-format --dry-run --Werror $(FORMATTED)
format:  ## clang-format in place
	clang-format -i $(FORMATTED)
tidy: all  ## clang-tidy over all sources (minutes)
	clang-tidy --quiet $(GEN_C) $(RT_C) -- -std=c11 -D_GNU_SOURCE -DAPIGW_VERSION='"$(VERSION)"' -iquote gen -iquote runtime
compdb: clean  ## compile_commands.json, by bear
	bear -- $(MAKE) all

FUZZ := $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/fuzz/fuzz_*.c))
$(B)/tests/fuzz/%: tests/fuzz/%.c $(B)/libapigw.a $(B)/kit/libgw.a
	$(call say,FUZZ,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(CFLAGS_ALL) -Wno-missing-prototypes -iquote gen -iquote runtime -iquote tests/lib -fsanitize=fuzzer,address,undefined -o $@ $< $(B)/libapigw.a $(B)/kit/libgw.a $(GEN_LIBS) $(RT_LIBS_all)
fuzz-targets: $(FUZZ)
fuzz:  ## run each fuzz target for FUZZ_TIME seconds (default 20)
	$(Q)$(MAKE) --no-print-directory VARIANT=fuzz CC=clang -j2 fuzz-targets
	$(Q)tests/fuzz/run.sh build/fuzz/tests/fuzz $(or $(FUZZ_TIME),20)
$(B)/tests/bench/%: tests/bench/%.c $(B)/libapigw.a
	$(Q)mkdir -p $(@D) && $(CC) $(CFLAGS_ALL) -Wno-missing-prototypes -iquote gen -iquote runtime -o $@ $< $(B)/libapigw.a $(GEN_LIBS) $(BENCH_LIBS)
$(B)/tests/bench/shake: BENCH_LIBS := -lssl -lcrypto -lpthread
bench: DEPS = bench
bench: deps all $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/bench/*.c))  ## beside nginx and HAProxy: CPU per request, memory, matcher
	$(Q)$(PYTHON) tests/bench/run.py --openapi $(CORPUS)/github/api.github.com.json --write tests/bench/RESULTS.md $(RUN)
crowds: all  ## what thousands of rude clients cost, and what others notice
	$(Q)APIGW_GEN=$(CURDIR)/$(B)/apigw-gen $(PYTHON) tests/bench/crowds.py $(RUN)
soak: all $(B)/tests/bench/origin $(B)/tests/bench/mixed  ## mixed traffic, aborts and time-outs for 20 minutes; memory and counters must add up
	$(Q)APIGW_GEN=$(CURDIR)/$(B)/apigw-gen $(PYTHON) tests/bench/soak.py $(or $(SOAK_TIME),1200)

# ---- users
DEPS ?= build
deps:  ## install what building needs (Debian 12; elsewhere it prints the list)
	$(Q).ci/deps.sh $(DEPS)
demo: DEPS = demo
demo: deps  ## the tour: compile the petstore, run it, talk to it
	$(Q)$(MAKE) --no-print-directory -j2 all
	$(Q)examples/demo.sh $(B)/apigw-gen
examples: all  ## regenerate examples/*/expected
	$(Q)for e in examples/*/openapi.yaml; do $(B)/apigw-gen generate $$e -o $${e%openapi.yaml}expected || exit 1; done
schema: all  ## regenerate specs/x-gateway.schema.yaml
	$(Q)$(B)/apigw-gen schema > specs/x-gateway.schema.yaml
install: all  ## to DESTDIR and PREFIX (default /usr/local)
	install -D -m 755 $(B)/apigw-gen $(DESTDIR)$(PREFIX)/bin/apigw-gen
	mkdir -p $(DESTDIR)$(PREFIX)/lib/apigw && cp -r $(B)/kit/. $(DESTDIR)$(PREFIX)/lib/apigw/
	mkdir -p $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/bash-completion/completions $(DESTDIR)$(PREFIX)/share/zsh/site-functions
	$(B)/apigw-gen help --man > $(DESTDIR)$(PREFIX)/share/man/man1/apigw-gen.1
	$(B)/apigw-gen help --bash > $(DESTDIR)$(PREFIX)/share/bash-completion/completions/apigw-gen
	$(B)/apigw-gen help --zsh > $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_apigw-gen

help:  ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' Makefile
clean:  ## remove build/
	rm -rf build

.PHONY: all unit build-unit test e2e golden golden-accept test-long lint format tidy compdb fuzz fuzz-targets bench crowds soak deps demo \
        examples schema install help clean
-include $(shell find $(B) -name '*.d' 2>/dev/null)
