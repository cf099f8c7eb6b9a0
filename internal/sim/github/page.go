package github

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"
)

//go:embed pages/*.html
var pageFiles embed.FS

var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"short": func(sha string) string { return sha[:min(len(sha), 7)] },
	"ago":   func(t time.Time) string { return t.UTC().Format("2 Jan 15:04:05") },
	"lines": diffLines,
	"lower": strings.ToLower,
}).ParseFS(pageFiles, "pages/*.html"))

// diffLine is one line of a patch with its CSS class.
type diffLine struct{ Class, Text string }

func diffLines(patch string) []diffLine {
	var out []diffLine
	for line := range strings.SplitSeq(patch, "\n") {
		class := "same"
		switch {
		case strings.HasPrefix(line, "@@"):
			class = "hunk"
		case strings.HasPrefix(line, "+"):
			class = "add"
		case strings.HasPrefix(line, "-"):
			class = "del"
		}
		out = append(out, diffLine{class, line})
	}
	return out
}

func (s *Server) webRoutes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{owner}/{repo}/info/refs", s.serveGit)
	mux.HandleFunc("POST /{owner}/{repo}/git-upload-pack", s.serveGit)
	mux.HandleFunc("POST /{owner}/{repo}/git-receive-pack", s.serveGit)
	mux.HandleFunc("GET /{owner}/{repo}/releases/download/{tag}/{asset}", s.serveAsset)
	mux.HandleFunc("GET /{$}", s.indexPage)
	mux.HandleFunc("GET /{owner}/{repo}", s.repoPage)
	mux.HandleFunc("GET /{owner}/{repo}/pulls", s.repoPage)
	mux.HandleFunc("GET /{owner}/{repo}/actions", s.repoPage)
	mux.HandleFunc("GET /{owner}/{repo}/pull/{number}", s.pullPage)
	mux.HandleFunc("GET /{owner}/{repo}/pull/{number}/files", s.pullPage)
	mux.HandleFunc("GET /{owner}/{repo}/actions/runs/{run}", s.runPage)
	mux.HandleFunc("GET /{owner}/{repo}/actions/runs/{run}/job/{job}", s.runPage)
	mux.HandleFunc("GET /{owner}/{repo}/actions/runs/{run}/attempts/{attempt}", s.runPage)
	mux.HandleFunc("GET /{owner}/{repo}/commit/{sha}", s.commitPage)
	mux.HandleFunc("GET /{owner}/{repo}/blob/{where...}", s.filePage)
	mux.HandleFunc("GET /{owner}/{repo}/raw/{where...}", s.rawFile)
	return mux
}

func (s *Server) serveAsset(w http.ResponseWriter, r *http.Request) {
	key := fullName(r) + "/" + r.PathValue("tag") + "/" + r.PathValue("asset")
	file, found := s.cfg.Assets[key]
	if !found {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeFile(w, r, file)
}

func fullName(r *http.Request) string { return r.PathValue("owner") + "/" + r.PathValue("repo") }

// show renders the page before it sends any of it. No script and no outside resource may load in it,
// whatever a commit or a comment contains.
func (s *Server) show(w http.ResponseWriter, name string, data any) {
	var buf bytes.Buffer
	if err := pages.ExecuteTemplate(&buf, name, data); err != nil {
		s.cfg.Log.Error("page", "name", name, "error", err)
		http.Error(w, "The page could not be rendered.", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy",
		"default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; form-action 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	_, _ = w.Write(buf.Bytes()) // the client may be disconnected
}

func (s *Server) indexPage(w http.ResponseWriter, _ *http.Request) {
	s.show(w, "index.html", map[string]any{"Title": "Repositories", "Repos": s.Repos()})
}

func (s *Server) repoPage(w http.ResponseWriter, r *http.Request) {
	files, err := s.Files(fullName(r), "main")
	if err != nil {
		http.NotFound(w, r)
		return
	}
	s.show(w, "repo.html", map[string]any{
		"Title": fullName(r), "Repo": fullName(r), "Files": files, "Clone": s.cloneURL(r),
		"Pulls": s.Pulls(fullName(r)), "Runs": s.Runs(fullName(r)),
	})
}

func (s *Server) cloneURL(r *http.Request) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.htmlURL("/" + fullName(r) + ".git")
}

func (s *Server) pullPage(w http.ResponseWriter, r *http.Request) {
	n, _ := strconv.Atoi(r.PathValue("number")) // no pull request has number 0
	v, found := s.Pull(fullName(r), n)
	if !found {
		http.NotFound(w, r)
		return
	}
	s.show(w, "pull.html", map[string]any{"Title": v.Title, "Repo": v.Repo, "Pull": v})
}

func (s *Server) runPage(w http.ResponseWriter, r *http.Request) {
	id, _ := strconv.ParseInt(r.PathValue("run"), 10, 64) // no run has number 0
	n, _ := strconv.Atoi(r.PathValue("attempt"))          // 0 is the last one
	v, found := s.Run(fullName(r), id, max(n, 0))
	if !found {
		http.NotFound(w, r)
		return
	}
	refresh := 0
	if v.Status != statusCompleted {
		refresh = 2
	}
	s.show(w, "run.html", map[string]any{"Title": v.Title, "Repo": v.Repo, "Run": v, "Refresh": refresh})
}

func (s *Server) commitPage(w http.ResponseWriter, r *http.Request) {
	v, files, err := s.Commit(fullName(r), r.PathValue("sha"))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	s.show(w, "commit.html", map[string]any{"Title": v.Title, "Repo": fullName(r), "Commit": v, "Files": files})
}

// at splits "<ref>/<path>"; a ref can contain slashes.
func (s *Server) at(r *http.Request) (ref, path string, data []byte, found bool) {
	parts := strings.Split(r.PathValue("where"), "/")
	for i := 1; i < len(parts); i++ {
		ref, path = strings.Join(parts[:i], "/"), strings.Join(parts[i:], "/")
		if data, err := s.File(fullName(r), ref, path); err == nil {
			return ref, path, data, true
		}
	}
	return "", "", nil, false
}

func (s *Server) filePage(w http.ResponseWriter, r *http.Request) {
	ref, path, data, found := s.at(r)
	if !found {
		http.NotFound(w, r)
		return
	}
	s.show(w, "file.html", map[string]any{"Title": path, "Repo": fullName(r), "Ref": ref, "Path": path,
		"Content": string(data)})
}

func (s *Server) rawFile(w http.ResponseWriter, r *http.Request) {
	_, _, data, found := s.at(r)
	if !found {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(data) // the client may be disconnected
}
