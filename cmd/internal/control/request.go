package control

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
)

func newRequest(ctx context.Context, method, path string, body any) (*http.Request, error) {
	var content io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(b)
	}
	return http.NewRequestWithContext(ctx, method, "http://bragi"+path, content)
}
