package config

import "fmt"

// Schema is the JSON schema of the file, for editors that know such schemas for
// TOML. It says what each key may be on its own; bragi config check also judges
// keys together.
func Schema() map[string]any {
	_, table := defaults()
	sections := map[string]any{}
	for _, s := range table {
		keys := map[string]any{}
		for _, o := range s.options {
			key := map[string]any{"description": fmt.Sprintf("%s Allowed: %s. Default: %s. Changes %s.", o.text, o.allowed(), o.initially(), o.change.words)}
			for k, v := range o.schema {
				key[k] = v
			}
			keys[o.key] = key
		}
		section := map[string]any{"type": "object", "description": s.text, "properties": keys, "additionalProperties": false}
		if s.entries != nil {
			section = map[string]any{"type": "array", "items": section}
		}
		sections[s.name] = section
	}
	return map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "The configuration of bragid",
		"type": "object", "properties": sections, "additionalProperties": false, "required": []string{"board"},
	}
}
