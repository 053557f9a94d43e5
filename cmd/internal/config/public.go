package config

import (
	"regexp"
	"strings"
)

// What nobody else may read: the value of a key that is named like a secret, unless it
// names a file, and whatever stands before the host in an address.
var (
	secretKey     = regexp.MustCompile(`(?im)(\w*(?:password|passphrase|community|secret|token)\w*)(\s*=\s*)(\S.*)$`)
	secretAddress = regexp.MustCompile(`(://(?:[^/:@\s"']*:)?)[^\s"']*@`)
)

const leftOut = "(left out)"

// Public is a text without the secrets of a configuration: the configuration itself,
// what is said of it, or lines of a log.
func Public(text string) string {
	text = secretKey.ReplaceAllStringFunc(text, func(found string) string {
		parts := secretKey.FindStringSubmatch(found)
		if key := strings.ToLower(parts[1]); strings.HasSuffix(key, "_file") || strings.HasSuffix(key, "_path") {
			return found
		}
		return parts[1] + parts[2] + `"` + leftOut + `"`
	})
	return secretAddress.ReplaceAllString(text, "${1}"+leftOut+"@")
}
