package github

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// call is one authenticated REST request, handled under the lock of the server.
type call struct {
	r    *http.Request
	p    principal
	repo *repository // nil outside of /repos/{owner}/{repo}
	body []byte
}

func (c *call) path(name string) string  { return c.r.PathValue(name) }
func (c *call) query(name string) string { return c.r.URL.Query().Get(name) }

func (c *call) number(name string) int64 {
	n, err := strconv.ParseInt(c.r.PathValue(name), 10, 64)
	if err != nil {
		return -1
	}
	return n
}

type handler func(*Server, *call) (reply, error)

// route is one endpoint with the permission it requires. Scope "" admits any caller, "app" the App's
// own token, "user" every token.
type route struct {
	pattern string
	scope   string
	handle  handler
	content bool // creates content that notifies people: has a limit per minute
}

// write reports whether the endpoint changes something.
func (rt route) write() bool { return !strings.HasPrefix(rt.pattern, "GET ") }

func (s *Server) apiRoutes() *http.ServeMux {
	mux := http.NewServeMux()
	for _, group := range [][]route{appRoutes, repoRoutes, gitRoutes, pullRoutes, reviewRoutes, actionsRoutes,
		variableRoutes, runRoutes} {
		for _, rt := range group {
			mux.Handle(rt.pattern, s.endpoint(rt))
		}
	}
	mux.Handle("/", s.endpoint(route{pattern: "GET /", handle: func(*Server, *call) (reply, error) {
		return reply{}, errNotFound
	}}))
	return mux
}

func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/repositories/") {
		r = r.Clone(r.Context())
		r.URL.RawPath = s.named(r.URL.EscapedPath())
		r.URL.Path = s.named(r.URL.Path)
	}
	s.api.ServeHTTP(w, r)
}

// endpoint wraps a handler in everything that GitHub does around it.
func (s *Server) endpoint(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", s.now().UTC().Format(http.TimeFormat))
		body, err := readBody(r)
		if err != nil {
			send(w, r, asAPI(err).reply(), nil)
			return
		}
		defer s.inFlight.Add(-1)
		if most := s.cfg.Limits.Concurrent; int(s.inFlight.Add(1)) > most && most > 0 {
			send(w, r, asAPI(secondaryLimit(http.StatusForbidden, time.Minute)).reply(), nil)
			return
		}
		f := s.faultFor(r)
		if before, stop := f.before(s.ctx, r); stop {
			s.mu.Lock()
			s.count(rt, s.callerOf(r))
			s.mu.Unlock()
			send(w, r, before, nil)
			return
		}
		rep, standard := s.handle(rt, &call{r: r, body: body})
		if f.loses() {
			panic(http.ErrAbortHandler) // the work is done, but the answer never arrives
		}
		send(w, r, rep, standard)
	})
}

func (s *Server) callerOf(r *http.Request) principal {
	p, _ := s.authenticate(r)
	return p
}

// handle processes one request under the lock: authentication, limits, permission, work.
func (s *Server) handle(rt route, c *call) (reply, http.Header) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.authenticate(c.r)
	if err != nil {
		return asAPI(err).reply(), http.Header{}
	}
	c.p = p
	s.count(rt, p)
	b := s.bucket(p)
	limits := s.cfg.Limits.of(p)
	if err := b.take(limits, rt, p); err != nil {
		s.state.Counts.Limited++
		return asAPI(err).reply(), b.header(limits)
	}
	rep, err := s.work(rt, c)
	if err != nil {
		api := asAPI(err)
		if api.status >= 500 {
			s.cfg.Log.Error("request", slog.String("path", c.r.URL.Path), slog.Any("error", err))
		}
		rep = api.reply()
	}
	if rt.write() {
		s.saver.mark()
	}
	rep = s.conditional(c, rep, b)
	standard := b.header(limits)
	if v := s.cfg.EnterpriseVersion; v != "" {
		standard.Set("X-GitHub-Enterprise-Version", v)
	}
	return rep, standard
}

func (s *Server) work(rt route, c *call) (reply, error) {
	level := "read"
	if rt.write() {
		level = "write"
	}
	if owner := c.path("owner"); owner != "" {
		if c.repo = s.repo(owner, c.path("repo")); c.repo == nil {
			return s.redirect(c)
		}
	}
	switch {
	case c.repo != nil && c.p.bot() && !c.p.reaches(c.repo), c.repo != nil && rt.scope == "app" && c.repo.Config.Outside:
		return reply{}, errNotFound
	case rt.scope == "app" && c.p.kind != "app":
		return reply{}, fail(http.StatusUnauthorized, "A JSON web token could not be decoded")
	case rt.scope == "user" && c.p.kind == "anonymous":
		return reply{}, refuse(c.p, rt.scope)
	case c.repo != nil && rt.scope != "app" && !s.allows(c.p, c.repo, rt.scope, level):
		return reply{}, refuse(c.p, rt.scope)
	}
	return rt.handle(s, c)
}

// conditional sets the ETag of a successful read, and answers 304 if the caller already has it. A 304
// costs nothing of the primary limit.
func (s *Server) conditional(c *call, rep reply, b *bucket) reply {
	if c.r.Method != http.MethodGet || rep.status != http.StatusOK {
		return rep
	}
	data, err := rep.bytes()
	if err != nil {
		return asAPI(err).reply()
	}
	rep.raw = data
	if rep.header == nil {
		rep.header = http.Header{}
	}
	etag := etagOf(data)
	rep.header.Set("ETag", etag)
	rep.header.Set("Cache-Control", "private, max-age=60, s-maxage=60")
	rep.header.Set("Vary", "Accept, Authorization, Cookie, X-GitHub-OTP")
	match := c.r.Header.Get("If-None-Match")
	if match != "" && strings.TrimPrefix(match, "W/") == strings.TrimPrefix(etag, "W/") {
		b.refund()
		return reply{status: http.StatusNotModified, header: rep.header}
	}
	return rep
}

func send(w http.ResponseWriter, r *http.Request, rep reply, standard http.Header) {
	h := w.Header()
	for _, set := range []http.Header{standard, rep.header} {
		for k, v := range set {
			h[k] = v
		}
	}
	h.Set("Server", "github.com")
	h.Set("X-GitHub-Request-Id", requestID())
	h.Set("X-GitHub-Media-Type", "github.v3; format=json")
	version := r.Header.Get("X-GitHub-Api-Version")
	if version == "" {
		version = "2022-11-28"
	}
	h.Set("X-GitHub-Api-Version-Selected", version)
	data, err := rep.bytes()
	if err != nil {
		rep.status, data = http.StatusInternalServerError, nil
	}
	if len(data) > 0 && h.Get("Content-Type") == "" {
		h.Set("Content-Type", "application/json; charset=utf-8")
	}
	w.WriteHeader(rep.status)
	if rep.status != http.StatusNoContent && rep.status != http.StatusNotModified {
		_, _ = w.Write(data) // the client may be disconnected
	}
}

func requestID() string {
	id := strings.ToUpper(randomHex(16))
	return fmt.Sprintf("%s:%s:%s:%s:%X", id[:4], id[4:10], id[10:17], id[17:24], time.Now().Unix())
}

// Page sizes of GitHub's lists.
const (
	defaultPage = 30
	maxPage     = 100
)

// paged returns one page of a list, with links to the others.
func paged[T any](s *Server, c *call, list []T) ([]T, http.Header) {
	q := c.r.URL.Query()
	size := clamp(q.Get("per_page"), defaultPage, maxPage)
	page := clamp(q.Get("page"), 1, 1<<20)
	last := max(1, (len(list)+size-1)/size)
	var links []string
	addLink := func(n int, rel string) {
		q.Set("page", strconv.Itoa(n))
		links = append(links, fmt.Sprintf(`<%s?%s>; rel="%s"`, s.apiURL(c.r.URL.Path), q.Encode(), rel))
	}
	if page > 1 {
		addLink(min(page-1, last), "prev")
	}
	if page < last {
		addLink(page+1, "next")
		addLink(last, "last")
	}
	if page > 1 {
		addLink(1, "first")
	}
	header := http.Header{}
	if len(links) > 0 {
		header.Set("Link", strings.Join(links, ", "))
	}
	from := min((page-1)*size, len(list))
	return list[from:min(from+size, len(list))], header
}

func clamp(text string, def, most int) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return def
	}
	return min(n, most)
}

// paginate answers with one page of items rendered by show.
func paginate[T any](s *Server, c *call, items []T, show func(T) obj) (reply, error) {
	page, header := paged(s, c, items)
	out := make([]obj, 0, len(page))
	for _, item := range page {
		out = append(out, show(item))
	}
	return reply{status: http.StatusOK, body: out, header: header}, nil
}

// counted returns a named list with its total, like the lists of Actions.
func counted[T any](s *Server, c *call, name string, items []T, show func(T) obj) (reply, error) {
	rep, err := paginate(s, c, items, show)
	rep.body = obj{"total_count": len(items), name: rep.body}
	return rep, err
}

func (s *Server) apiURL(path string) string  { return s.baseURL + "/api/v3" + path }
func (s *Server) htmlURL(path string) string { return s.baseURL + path }

func repoPath(r *repository) string { return "/repos/" + r.full() }

func escape(ref string) string {
	return strings.ReplaceAll(url.PathEscape(ref), "%2F", "/")
}
