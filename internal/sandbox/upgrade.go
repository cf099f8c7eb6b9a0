package sandbox

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Upgrade commits the files that a newer tfpilot renders differently, as the platform team would after
// a release: as a person, on main. It leaves the files of requests alone, and files that were changed
// since the last rendering. It returns the latter.
func (s *Sandbox) Upgrade(ctx context.Context, repo Repo) (kept []string, err error) {
	g := githubClient{base: s.url("github") + "/api/v3/repos/" + repo.Owner + "/" + repo.Name,
		token: s.person("adam").GitHubToken}
	newest, err := g.tip(ctx)
	if err != nil {
		return nil, err
	}
	log, err := readRenderedFiles(filepath.Join(s.cfg.Dir, "rendered.json"))
	if err != nil {
		return nil, err
	}
	last := log.files[repo.Owner+"/"+repo.Name]
	now := map[string]string{}
	var entries []map[string]string
	for path, content := range repo.Files {
		want := blobID(content)
		now[path] = want
		switch before, ok := last[path]; {
		case newest.blobs[path] == want:
		case last == nil || newest.blobs[path] == before: // without a record, the file counts as unchanged
			entries = append(entries, map[string]string{"path": path, "mode": "100644", "type": "blob",
				"content": string(content)})
		default:
			kept = append(kept, path)
			if delete(now, path); ok {
				now[path] = before // after the change is reverted, the next start writes the newer file
			}
		}
	}
	slices.Sort(kept)
	if len(entries) > 0 {
		if err := g.commit(ctx, newest.tree, newest.commit, entries); err != nil {
			return nil, err
		}
	}
	return kept, log.save(repo.Owner+"/"+repo.Name, now)
}

// renderedFiles holds the blob ids of the last rendered files, by repository and path.
type renderedFiles struct {
	path  string
	files map[string]map[string]string
}

func readRenderedFiles(path string) (renderedFiles, error) {
	r := renderedFiles{path, map[string]map[string]string{}}
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return r, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &r.files)
	}
	if err != nil {
		return r, fmt.Errorf("read what was rendered last: %w", err)
	}
	return r, nil
}

func (r renderedFiles) save(repo string, files map[string]string) error {
	r.files[repo] = files
	data, err := json.Marshal(r.files)
	if err == nil {
		err = os.WriteFile(r.path+".new", data, 0o600)
	}
	if err == nil {
		err = os.Rename(r.path+".new", r.path)
	}
	if err != nil {
		return fmt.Errorf("write what was rendered last: %w", err)
	}
	return nil
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

// githubClient acts as one person on the GitHub simulator.
type githubClient struct{ base, token string }

// tip is the newest commit of main.
type tip struct {
	commit, tree string
	blobs        map[string]string // by path
}

func (g githubClient) tip(ctx context.Context) (tip, error) {
	var ref struct {
		Object struct{ SHA string } `json:"object"`
	}
	if err := g.call(ctx, http.MethodGet, "/git/ref/heads/main", nil, &ref); err != nil {
		return tip{}, err
	}
	var tree struct {
		SHA  string
		Tree []struct{ Path, SHA string }
	}
	if err := g.call(ctx, http.MethodGet, "/git/trees/"+ref.Object.SHA+"?recursive=1", nil, &tree); err != nil {
		return tip{}, err
	}
	t := tip{ref.Object.SHA, tree.SHA, map[string]string{}}
	for _, e := range tree.Tree {
		t.blobs[e.Path] = e.SHA
	}
	return t, nil
}

func (g githubClient) commit(ctx context.Context, baseTree, parent string, entries []map[string]string) error {
	var tree, commit struct{ SHA string }
	if err := g.call(ctx, http.MethodPost, "/git/trees", map[string]any{"base_tree": baseTree, "tree": entries},
		&tree); err != nil {
		return err
	}
	body := map[string]any{"message": "Update TfPilot's workflows and modules", "tree": tree.SHA,
		"parents": []string{parent}}
	if err := g.call(ctx, http.MethodPost, "/git/commits", body, &commit); err != nil {
		return err
	}
	return g.call(ctx, http.MethodPatch, "/git/refs/heads/main", map[string]any{"sha": commit.SHA}, nil)
}

func (g githubClient) call(ctx context.Context, method, path string, in, out any) error {
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
