package toolchain

import (
	"archive/zip"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// PinnedTerraform is downloaded when the machine has no suitable Terraform.
const PinnedTerraform = "1.11.4"

const (
	releases     = "https://releases.hashicorp.com"
	fetchTimeout = 10 * time.Minute
	maxZip       = 256 << 20
	maxBinary    = 512 << 20
)

// pinnedSums are the SHA-256 sums of the PinnedTerraform archives.
var pinnedSums = map[string]string{
	"linux_amd64":  "1ce994251c00281d6845f0f268637ba50c0005657eb3cf096b92f753b42ef4dc",
	"linux_arm64":  "a43d1d0da9b9bab214a8305a39db0e40869572594ccf50c416a7756499143633",
	"darwin_amd64": "a56d5002b9f7647291faccc3dd1a70350e60fb61e4c45037629508b8fdc2575b",
	"darwin_arm64": "867e0808fa971217043e25b7a792b10720c79b1546f8a68479b74f138be73e18",
}

func platform() string { return runtime.GOOS + "_" + runtime.GOARCH }

func (f Finder) zipURL() string {
	return fmt.Sprintf("%s/terraform/%s/terraform_%s_%s.zip", cmp.Or(f.Releases, releases), PinnedTerraform,
		PinnedTerraform, platform())
}

// pinnedDir returns a directory that only this user can write to, since the sandbox runs what is in
// it. Without a home directory there is none.
func (f Finder) pinnedDir() (string, error) {
	cache := f.Cache
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("find the user's cache directory: %w", err)
		}
		cache = filepath.Join(user, "tfpilot")
	}
	return filepath.Join(cache, "terraform", PinnedTerraform), nil
}

// pinned returns the pinned Terraform from the cache. It uses the network only when the program is
// missing or does not run.
func (f Finder) pinned(ctx context.Context) (Tool, error) {
	dir, err := f.pinnedDir()
	if err != nil {
		return Tool{}, err
	}
	path := filepath.Join(dir, "terraform")
	if v, err := terraformVersion(ctx, path); err == nil {
		return Tool{"Terraform", path, v.String(), "cache"}, nil
	}
	if err := f.fetch(ctx, path); err != nil {
		return Tool{}, fmt.Errorf("fetch %s: %w", f.zipURL(), err)
	}
	v, err := terraformVersion(ctx, path)
	if err != nil {
		return Tool{}, fmt.Errorf("%s: %w", path, err)
	}
	return Tool{"Terraform", path, v.String(), "download"}, nil
}

func (f Finder) fetch(ctx context.Context, path string) error {
	sums := f.Sums
	if sums == nil {
		sums = pinnedSums
	}
	want, ok := sums[platform()]
	if !ok {
		return fmt.Errorf("no checksum is pinned for %s", platform())
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f.note("Fetching Terraform " + PinnedTerraform + " (once)")
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	archive, err := os.CreateTemp(filepath.Dir(path), ".zip-*")
	if err != nil {
		return err
	}
	defer os.Remove(archive.Name())
	defer archive.Close()
	if err := f.download(ctx, archive, want); err != nil {
		return err
	}
	return unpack(archive, path)
}

// download writes the archive and refuses it unless its checksum is the pinned one.
func (f Finder) download(ctx context.Context, to io.Writer, want string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.zipURL(), nil)
	if err != nil {
		return err
	}
	resp, err := f.client().Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the server answered %s", resp.Status)
	}
	sum := sha256.New()
	if _, err := io.Copy(io.MultiWriter(to, sum), io.LimitReader(resp.Body, maxZip)); err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != want {
		return fmt.Errorf("SHA-256 is %s, pinned is %s", got, want)
	}
	return nil
}

func (f Finder) client() *http.Client {
	if f.HTTP != nil {
		return f.HTTP
	}
	return &http.Client{Transport: &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: 30 * time.Second,
	}}
}

// unpack installs the program with one rename, so that another start never sees a part of it.
func unpack(archive *os.File, path string) error {
	st, err := archive.Stat()
	if err != nil {
		return err
	}
	in, err := zip.NewReader(archive, st.Size())
	if err != nil {
		return err
	}
	program, err := in.Open("terraform")
	if err != nil {
		return err
	}
	defer program.Close()
	out, err := os.CreateTemp(filepath.Dir(path), ".terraform-*")
	if err != nil {
		return err
	}
	defer os.Remove(out.Name())
	_, err = io.Copy(out, io.LimitReader(program, maxBinary))
	if err := errors.Join(err, out.Chmod(0o755), out.Close()); err != nil {
		return err
	}
	return os.Rename(out.Name(), path)
}
