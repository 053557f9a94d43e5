// sbom prints the bill of materials of an image, as CycloneDX 1.6: Debian's packages by their list, the Go modules as
// the program itself names them.
package main

import (
	"debug/buildinfo"
	"encoding/json"
	"flag"
	"fmt"
	"net/url"
	"os"
	"strings"
)

type component struct {
	Type    string `json:"type"`
	Ref     string `json:"bom-ref"`
	Name    string `json:"name"`
	Version string `json:"version"`
	Purl    string `json:"purl,omitempty"`
}

type bom struct {
	Format     string      `json:"bomFormat"`
	Spec       string      `json:"specVersion"`
	Version    int         `json:"version"`
	Metadata   metadata    `json:"metadata"`
	Components []component `json:"components"`
}

type metadata struct {
	Component component `json:"component"`
}

func main() {
	name := flag.String("name", "", "the image's name: bragi-BOARD-VERSION")
	list := flag.String("packages", "", "packages: name, version, architecture, source and its version, by tabs")
	program := flag.String("program", "", "a Go program of the image")
	flag.Parse()
	components, err := debian(*list)
	if err == nil {
		var modules []component
		modules, err = golang(*program)
		components = append(components, modules...)
	}
	if err == nil {
		out := json.NewEncoder(os.Stdout)
		out.SetEscapeHTML(false)
		out.SetIndent("", " ")
		err = out.Encode(bom{"CycloneDX", "1.6", 1, metadata{component{Type: "firmware", Ref: "image", Name: *name}}, components})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

// debian returns the components that the list of packages names.
func debian(list string) ([]component, error) {
	text, err := os.ReadFile(list)
	if err != nil {
		return nil, err
	}
	var components []component
	for line := range strings.Lines(string(text)) {
		field := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(field) != 5 {
			return nil, fmt.Errorf("%s: %q has not five fields", list, line)
		}
		query := url.Values{"arch": {field[2]}, "distro": {"trixie"}}
		if field[3] != field[0] || field[4] != field[1] {
			query.Set("upstream", field[3]+"@"+field[4])
		}
		purl := fmt.Sprintf("pkg:deb/debian/%s@%s?%s", field[0], url.QueryEscape(field[1]), query.Encode())
		components = append(components, component{"library", purl, field[0], field[1], purl})
	}
	return components, nil
}

// golang returns the toolchain and the modules that a program was built of.
func golang(program string) ([]component, error) {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return nil, err
	}
	version := strings.TrimPrefix(info.GoVersion, "go")
	std := "pkg:golang/std@" + version
	components := []component{{"library", std, "std", version, std}}
	for _, module := range info.Deps {
		if module.Replace != nil {
			module = module.Replace
		}
		purl := "pkg:golang/" + module.Path + "@" + module.Version
		components = append(components, component{"library", purl, module.Path, module.Version, purl})
	}
	return components, nil
}
