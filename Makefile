# apigw-gen: build, test, install. `make help` lists the targets; `V=1` prints the commands.
# All output goes to build/$(VARIANT)/. VARIANT: release (default), debug, san (ASan and UBSan).

VARIANT ?= release
PREFIX  ?= /usr/local
CC      ?= gcc
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
OPT_san     := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
LINK_release := -static-pie -Wl,-z,relro,-z,now
LINK_debug   := -static-pie
LINK_san     := -fsanitize=address,undefined
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

GEN_LIBS := -lcyaml -lyaml -lm
RT_LIBS  := -levent_core -levent_pthreads -lcares -lpthread

ifneq ($(V),1)
Q := @
say = @echo "  $(1) $(2)"
endif

all: $(B)/apigw-gen $(B)/kit/libgw.a $(B)/kit/flags.mk  ## build the compiler and the runtime kit

$(B)/gen/%.o: gen/%.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(CFLAGS_ALL) -DAPIGW_VERSION='"$(VERSION)"' -Igen -Iruntime -c -o $@ $<
$(B)/runtime/%.o: runtime/%.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(CFLAGS_ALL) $(LTO) -ffunction-sections -Iruntime -c -o $@ $<
$(B)/%.c: %.re
	$(call say,RE2C,$<)
	$(Q)mkdir -p $(@D) && $(RE2C) -W --no-generation-date --no-version -i -o $@ $<
$(B)/runtime/%.o: $(B)/runtime/%.c
	$(call say,CC,$<)
	$(Q)$(CC) $(CFLAGS_ALL) $(LTO) -ffunction-sections -Iruntime -c -o $@ $<
$(B)/gen/%.o: $(B)/gen/%.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(CFLAGS_ALL) -Igen -Iruntime -c -o $@ $<
$(B)/gen/templates.c: $(MUSTACHE) gen/bake.awk
	$(call say,BAKE,templates)
	$(Q)mkdir -p $(@D) && LC_ALL=C awk -f gen/bake.awk $(MUSTACHE) > $@.tmp && mv $@.tmp $@
.PRECIOUS: $(B)/%.c

$(B)/libapigw.a: $(filter-out $(B)/gen/main.o,$(GEN_O)) $(BASE_O)
	$(Q)rm -f $@ && ar rcs $@ $^
$(B)/apigw-gen: $(B)/gen/main.o $(B)/libapigw.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS_ALL) -pie $(filter -fsanitize%,$(LINK_$(VARIANT))) $(LDFLAGS) -o $@ $^ $(GEN_LIBS)
$(B)/kit/libgw.a: $(RT_O)
	$(call say,AR,$@)
	$(Q)mkdir -p $(@D) && rm -f $@ && gcc-ar rcs $@ $^ && rm -rf $(@D)/include && mkdir -p $(@D)/include && \
	    (cd runtime && find . -name '*.h' | cpio -pdum --quiet ../$(@D)/include)
$(B)/kit/flags.mk: Makefile
	$(Q)mkdir -p $(@D) && printf '%s\n' 'GW_CFLAGS := -std=c11 -D_GNU_SOURCE $(OPT_$(VARIANT)) $(HARDEN)' \
	    'GW_LDFLAGS := $(LINK_$(VARIANT))' 'GW_LIBS := $(RT_LIBS)' > $@

# ---- unit tests: each tests/unit/*/test_x.c is a program
UNIT_GEN := $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/unit/gen/*.c))
UNIT_RT  := $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/unit/runtime/*.c))
$(B)/tests/unit/gen/%: tests/unit/gen/%.c $(B)/libapigw.a
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(CFLAGS_ALL) -Wno-missing-prototypes -DAPIGW_VERSION='"$(VERSION)"' -Igen -Iruntime -Itests/lib $(filter -fsanitize%,$(LINK_$(VARIANT))) -o $@ $< $(B)/libapigw.a -lcmocka $(GEN_LIBS)
$(B)/tests/unit/runtime/%: tests/unit/runtime/%.c $(B)/kit/libgw.a
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(CFLAGS_ALL) -Wno-missing-prototypes -Iruntime -Itests/lib $(filter -fsanitize%,$(LINK_$(VARIANT))) -o $@ $< $(B)/kit/libgw.a -lcmocka $(RT_LIBS)

unit: $(UNIT_GEN) $(UNIT_RT)  ## unit tests
	$(Q)for t in $^; do $$t || exit 1; done

help:  ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' Makefile
clean:  ## remove build/
	rm -rf build

.PHONY: all unit help clean
-include $(shell find $(B) -name '*.d' 2>/dev/null)
