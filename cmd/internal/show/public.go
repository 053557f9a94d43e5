package show

import "regexp"

// What nobody else may read: the value of a key that is named like a secret, unless it
// names a file, and the password in an address.
var (
	secretKey     = regexp.MustCompile(`(?im)^([-+# ]*\s*(?:\w*\.)*\w*(?:password|passphrase|community|secret|token)\w*\s*=\s*)(.*)$`)
	secretFile    = regexp.MustCompile(`(?i)_(?:file|path)\s*=`)
	secretAddress = regexp.MustCompile(`(://[^/:@\s"]*:)[^/@\s"]*@`)
)

// Public is a text of a configuration without its secrets.
func Public(text string) string {
	text = secretKey.ReplaceAllStringFunc(text, func(line string) string {
		if secretFile.MatchString(line) {
			return line
		}
		return secretKey.ReplaceAllString(line, `${1}"(left out)"`)
	})
	return secretAddress.ReplaceAllString(text, "${1}(left out)@")
}
