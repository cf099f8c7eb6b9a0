package sandbox

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Upgrade commits the files that a newer tfpilot renders otherwise, as the platform
// team would after a release: as a person, on main. Requests' own files stay.
func (s *Sandbox) Upgrade(ctx context.Context, repo Repo) error {
	g := forgeClient{base: s.url("github") + "/api/v3/repos/" + repo.Owner + "/" + repo.Name, token: s.person("adam").GitHubToken}
	var ref struct {
		Object struct{ SHA string } `json:"object"`
	}
	if err := g.call(ctx, http.MethodGet, "/git/ref/heads/main", nil, &ref); err != nil {
		return err
	}
	var tree struct {
		SHA  string
		Tree []struct{ Path, SHA string }
	}
	if err := g.call(ctx, http.MethodGet, "/git/trees/"+ref.Object.SHA+"?recursive=1", nil, &tree); err != nil {
		return err
	}
	have := map[string]string{}
	for _, e := range tree.Tree {
		have[e.Path] = e.SHA
	}
	var entries []map[string]string
	for path, content := range repo.Files {
		if have[path] != blobID(content) {
			entries = append(entries, map[string]string{"path": path, "mode": "100644", "type": "blob", "content": string(content)})
		}
	}
	if len(entries) == 0 {
		return nil
	}
	return g.commit(ctx, tree.SHA, ref.Object.SHA, entries)
}

func blobID(content []byte) string {
	h := sha1.New()
	_, _ = fmt.Fprintf(h, "blob %d\x00", len(content))
	_, _ = h.Write(content)
	return hex.EncodeToString(h.Sum(nil))
}

func (s *Sandbox) person(login string) PersonAccess {
	for _, p := range s.Access.People {
		if p.Login == login {
			return p
		}
	}
	return PersonAccess{}
}

// forgeClient is a person at the GitHub simulator.
type forgeClient struct{ base, token string }

func (g forgeClient) commit(ctx context.Context, baseTree, parent string, entries []map[string]string) error {
	var tree, commit struct{ SHA string }
	if err := g.call(ctx, http.MethodPost, "/git/trees", map[string]any{"base_tree": baseTree, "tree": entries}, &tree); err != nil {
		return err
	}
	body := map[string]any{"message": "Update TfPilot's workflows and modules", "tree": tree.SHA, "parents": []string{parent}}
	if err := g.call(ctx, http.MethodPost, "/git/commits", body, &commit); err != nil {
		return err
	}
	return g.call(ctx, http.MethodPatch, "/git/refs/heads/main", map[string]any{"sha": commit.SHA}, nil)
}

func (g forgeClient) call(ctx context.Context, method, path string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		body = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, g.base+path, body)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	req.Header.Set("Authorization", "Bearer "+g.token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(resp.Body, 32<<20))
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if resp.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s: %.300s", method, path, resp.Status, data)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(data, out)
}
