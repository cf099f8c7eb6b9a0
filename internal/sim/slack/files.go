package slack

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strconv"
)

// maxUpload bounds a file here; Slack accepts 1 GB.
const maxUpload = 64 << 20

// file is a file of a message. Until it is shared, it is an upload.
type file struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Title string `json:"title"`
	Size  int    `json:"size"`
	Data  []byte `json:"data,omitempty"`
}

// upload is a file between its three calls.
type upload struct {
	file
	token    string // in the upload URL
	received bool
}

// maxUploads bounds the uploads that are announced but not shared.
const maxUploads = 200

// FileState is a file in a State. Its content is at URL.
type FileState struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Title string `json:"title"`
	Size  int    `json:"size"`
	URL   string `json:"url"`
}

func (s *Server) getUploadURL(a arguments) (obj, error) {
	if err := a.need("filename", "length"); err != nil {
		return nil, err
	}
	length := a.number("length", 0)
	switch {
	case length <= 0:
		return nil, refuse("invalid_arguments", "length must be a positive integer")
	case length > maxUpload:
		return nil, refuse("file_upload_size_restricted")
	}
	if len(s.uploads) >= maxUploads {
		clear(s.uploads)
	}
	u := &upload{file: file{ID: s.id("F"), Name: a.str("filename"), Title: a.str("filename"), Size: length},
		token: s.hex(32)}
	s.uploads[u.ID] = u
	return obj{"upload_url": s.baseURL(a.host) + "/upload/v1/" + u.token, "file_id": u.ID}, nil
}

// serveUpload receives the content of a file: raw, or as the first part of a form.
func (s *Server) serveUpload(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxUpload+1<<20)
	content, err := uploadedContent(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range s.uploads {
		if u.token != r.PathValue("token") {
			continue
		}
		if err != nil || len(content) != u.Size || u.received {
			http.Error(w, "the content has another length than the upload", http.StatusBadRequest)
			return
		}
		u.Data, u.received = content, true
		_, _ = io.WriteString(w, "OK - "+strconv.Itoa(len(content)))
		return
	}
	http.NotFound(w, r)
}

func uploadedContent(r *http.Request) ([]byte, error) {
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "multipart/form-data" {
		return io.ReadAll(r.Body)
	}
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, err
	}
	part, err := parts.NextPart()
	if err != nil {
		return nil, err
	}
	return io.ReadAll(part)
}

// completeUpload shares uploaded files in a channel or a thread, as one message.
func (s *Server) completeUpload(a arguments) (obj, error) {
	var wanted []struct{ ID, Title string }
	if json.Unmarshal(a.raw("files"), &wanted) != nil || len(wanted) == 0 {
		return nil, refuse("invalid_arguments", "files must be a non-empty array")
	}
	var files []file
	for _, one := range wanted {
		u := s.uploads[one.ID]
		if u == nil || !u.received {
			return nil, refuse("file_not_found")
		}
		shared := u.file
		shared.Title = or(one.Title, u.Name)
		files = append(files, shared)
	}
	if channel := a.str("channel_id"); channel != "" {
		c, err := s.place(channel)
		if err != nil {
			return nil, err
		}
		root := c.root(a.str("thread_ts"))
		if a.str("thread_ts") != "" && root == "" {
			return nil, refuse("thread_not_found")
		}
		s.post(c, s.cfg.Bot.UserID, root, messageContent{text: a.str("initial_comment"), files: files})
	}
	var out []any
	for _, f := range files {
		delete(s.uploads, f.ID)
		out = append(out, obj{"id": f.ID, "title": f.Title})
	}
	return obj{"files": out}, nil
}

// filePayload renders files inside a message.
func filePayload(files []file) []any {
	var out []any
	for _, f := range files {
		out = append(out, obj{"id": f.ID, "name": f.Name, "title": f.Title, "size": f.Size, "mimetype": "text/plain",
			"filetype": "text"})
	}
	return out
}

func (s *Server) fileStates(files []file) []FileState {
	var out []FileState
	for _, f := range files {
		out = append(out, FileState{ID: f.ID, Name: f.Name, Title: f.Title, Size: f.Size, URL: s.base + "/files/" + f.ID})
	}
	return out
}

// serveFile returns the content of a shared file as text.
func (s *Server) serveFile(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.channels {
		for _, m := range c.Messages {
			for _, f := range m.Files {
				if f.ID == r.PathValue("id") && !m.Deleted {
					w.Header().Set("Content-Type", "text/plain; charset=utf-8")
					w.Header().Set("X-Content-Type-Options", "nosniff")
					_, _ = w.Write(f.Data) // the client may be disconnected
					return
				}
			}
		}
	}
	http.NotFound(w, r)
}
