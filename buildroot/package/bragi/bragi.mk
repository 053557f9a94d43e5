################################################################################
#
# bragi
#
################################################################################

# The source tree that this folder is in.
BRAGI_VERSION = local
BRAGI_SITE = $(BR2_EXTERNAL_BRAGI_PATH)/..
BRAGI_SITE_METHOD = local
BRAGI_LICENSE = Apache-2.0
BRAGI_LICENSE_FILES = LICENSE
BRAGI_GOMOD = bragi
BRAGI_BUILD_TARGETS = cmd/bragid cmd/bragi
BRAGI_GO_ENV = CGO_ENABLED=0
BRAGI_LDFLAGS = \
	-X bragi/cmd/internal/version.Version=$(or $(BRAGI_IMAGE_VERSION),unknown) \
	-X bragi/cmd/internal/version.BuildUnix=$(or $(SOURCE_DATE_EPOCH),0)
BRAGI_OVERRIDE_SRCDIR_RSYNC_EXCLUSIONS = \
	--exclude=/.git --exclude=/bin --exclude=/buildroot

# Buildroot builds Go from vendor/ alone, and makes it where it downloads. This
# tree is not downloaded: without a vendor/ it gets one here. go.sum has the
# hash of each module. Buildroot forbids Go its proxy; empty is Go's own one.
define BRAGI_VENDOR
	cd $(@D) && { test -d vendor || $(HOST_GO_COMMON_ENV) \
		GOPROXY=$(GOPROXY) \
		$(GO_BIN) mod vendor -modcacherw; }
endef
BRAGI_PRE_CONFIGURE_HOOKS += BRAGI_VENDOR

$(eval $(golang-package))
