# What each example's Makefile includes: run it with the answers of its document, or write expected/ again.
APIGW_GEN ?= ../../build/release/apigw-gen
MOCK      ?= --mock

run:
	$(APIGW_GEN) run openapi.yaml $(MOCK) $(ARGS)
expected:
	$(APIGW_GEN) generate openapi.yaml -o expected

.PHONY: run expected
