package github

import (
	"net/http"
	"strings"
)

func (s *Server) webRoutes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{owner}/{repo}/info/refs", s.serveGit)
	mux.HandleFunc("POST /{owner}/{repo}/git-upload-pack", s.serveGit)
	mux.HandleFunc("POST /{owner}/{repo}/git-receive-pack", s.serveGit)
	mux.HandleFunc("GET /{owner}/{repo}/releases/download/{tag}/{asset}", s.serveAsset)
	mux.HandleFunc("GET /_logs/{owner}/{repo}/{run}/{attempt}", s.serveLog)
	return mux
}

func (s *Server) serveAsset(w http.ResponseWriter, r *http.Request) {
	key := r.PathValue("owner") + "/" + r.PathValue("repo") + "/" + r.PathValue("tag") + "/" + r.PathValue("asset")
	file, found := s.cfg.Assets[key]
	if !found {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeFile(w, r, file)
}

func (s *Server) repoByFull(name string) *repository { return s.state.Repos[strings.ToLower(name)] }
