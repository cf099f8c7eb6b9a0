package aws

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Client calls a Server.
type Client struct {
	URL   string // required
	Token string // required
	HTTP  *http.Client
}

// Create creates an object. It replaces one where AWS has a put.
func (c *Client) Create(ctx context.Context, typ, id string, attributes map[string]any) (Object, error) {
	return c.do(ctx, http.MethodPost, typ, id, attributes)
}

// Read returns an object. If there is none, NotFound reports true for the error.
func (c *Client) Read(ctx context.Context, typ, id string) (Object, error) {
	return c.do(ctx, http.MethodGet, typ, id, nil)
}

// Update replaces the attributes of an object.
func (c *Client) Update(ctx context.Context, typ, id string, attributes map[string]any) (Object, error) {
	return c.do(ctx, http.MethodPut, typ, id, attributes)
}

// Delete deletes an object. If there is none, NotFound reports true for the error.
func (c *Client) Delete(ctx context.Context, typ, id string) error {
	_, err := c.do(ctx, http.MethodDelete, typ, id, nil)
	return err
}

// NotFound reports whether an error means that the object does not exist.
func NotFound(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == http.StatusNotFound
}

func (c *Client) do(ctx context.Context, method, typ, id string, attributes map[string]any) (Object, error) {
	var body io.Reader
	if attributes != nil {
		raw, err := json.Marshal(request{attributes})
		if err != nil {
			return Object{}, fmt.Errorf("encode %s: %w", typ, err)
		}
		body = bytes.NewReader(raw)
	}
	address := strings.TrimSuffix(c.URL, "/") + "/v1/objects/" + url.PathEscape(typ) + "?id=" + url.QueryEscape(id)
	req, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return Object{}, err
	}
	req.Header.Set("Authorization", "Bearer "+c.Token)
	client := c.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return Object{}, err
	}
	defer resp.Body.Close()
	return readAnswer(resp)
}

func readAnswer(resp *http.Response) (Object, error) {
	if resp.StatusCode >= 300 {
		var e Error
		if err := decode(resp.Body, &e); err != nil || e.Code == "" {
			return Object{}, fmt.Errorf("cloud answered %s", resp.Status)
		}
		return Object{}, &e
	}
	var obj Object
	if err := decode(resp.Body, &obj); err != nil {
		return Object{}, err
	}
	return obj, nil
}
