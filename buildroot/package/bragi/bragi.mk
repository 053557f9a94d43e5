################################################################################
#
# bragi
#
################################################################################

# The source tree that this folder is in. `make image FROM=buildroot` puts its
# modules into vendor/ first: Buildroot builds without a network.
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

$(eval $(golang-package))
