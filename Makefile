# make run       the grandmaster on a board of software, and a client locking to it, watched live
# make test      everything that this machine can show
# make lint      formatting, vet for three architectures, the documents, staticcheck, shellcheck
# make bench     what a client costs, beside ptp4l and a bare loop; benchmarks (printed, never asserted; QUICK=1: less)
# make bench-timing  holdover, lock, faults and weather beside their targets, by seeds in virtual time (printed, never asserted; QUICK=1: fewer seeds)
# make board-test  bragid on a kernel's own PTP clock in virtual ARM machines (docs/TESTBOARD.md; LONG=1: a day)
# make image BOARD=NAME  an image to flash (docs/IMAGE.md); as root. FROM=buildroot: from source, by Buildroot
# make image-test BOARD=qemu-arm64  boots that board's image in an emulated machine and tests it; as root
#                SHORT=1: first start, clients, refused updates, a fall-back and an update alone; LONG=1: more power cuts, a long rest
# make setup     install what the tests need (Debian packages, as root)
# make build     bin/bragid and bin/bragi
SHELL := /bin/bash
# Without the folder's name in what is compiled, one clone's cache serves the next.
export GOFLAGS := -trimpath $(GOFLAGS)
VERSION := $(shell git describe --always --dirty 2>/dev/null || echo unknown)
STAMP   := $(shell git log -1 --format=%ct 2>/dev/null || echo 0)
LDFLAGS := -s -w -X bragi/cmd/internal/version.Version=$(VERSION) -X bragi/cmd/internal/version.BuildUnix=$(STAMP)

.PHONY: all build run test lint bench bench-timing board-test image image-test setup clean
all: build

build:
	CGO_ENABLED=0 go build -ldflags '$(LDFLAGS)' -o bin/ ./cmd/bragid ./cmd/bragi

run: build
	@scripts/run

setup:
	@scripts/setup

lint: setup
	@scripts/lint

test: setup build
	@scripts/test

bench:
	go run ./scripts/bench
	scripts/bench/armv7
	go test -run '^$$' -bench . -benchmem ./...

bench-timing:
	go run ./cmd/internal/timing $(if $(QUICK),-seeds 4 -many 8 -days 50)

board-test:
	@LONG=$(LONG) scripts/testclock/board-test

image:
	@case "$$FROM" in '' | buildroot) ;; *) echo "image: FROM is \"$$FROM\" (fix: FROM=buildroot, or none for Debian's packages)" >&2; exit 1 ;; esac
	@VERSION="$$IMAGE_VERSION" scripts/image/$(if $(FROM),frombuildroot,build) --check "$$BOARD"
	@scripts/setup $(if $(FROM),source,image)
	@VERSION="$$IMAGE_VERSION" scripts/image/$(if $(FROM),frombuildroot,build) "$$BOARD"

image-test: build
	@scripts/setup image
	@$(if $(SHORT),:,scripts/image/fragments)
	@for board in $(or $(BOARD),$(if $(SHORT),qemu-arm64,qemu-arm64 qemu-arm)); do \
	  FAST=1 OUT=bin/imagetest/$$board OVERLAY=scripts/imagetest/probe scripts/image/build $$board && \
	  go run ./scripts/imagetest $(if $(LONG),-long) $(if $(SEED),-seed $(SEED)) $(if $(SHORT),-only '^(classes|refused|damaged slot)') $$board || exit 1; done

clean:
	rm -rf bin
