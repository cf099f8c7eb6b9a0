package s3

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"pgregory.net/rapid"

	"github.com/tfpilot/tfpilot/internal/testing/inprocess"
)

// Fifty writers increment one number by compare and swap. No increment is lost.
func TestFiftyWritersLoseNothing(t *testing.T) {
	const writers, rounds = 50, 4
	s := newServer(t, Config{Dir: t.TempDir()})
	put(t, client(s, admin()), "counter", "0")
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			c := client(s, admin())
			for range rounds {
				increment(t, c)
			}
		})
	}
	wg.Wait()
	if got, _, _ := get(t.Context(), client(s, admin()), "counter"); got != strconv.Itoa(writers*rounds) {
		t.Errorf("counter is %s", got)
	}
	effects := 0
	for _, n := range s.Counts() {
		effects += n.Effects
	}
	if effects != writers*rounds+1 {
		t.Errorf("%d effects counted", effects)
	}
}

func increment(t *testing.T, c *awss3.Client) {
	for {
		body, etag, err := get(t.Context(), c, "counter")
		if err != nil {
			t.Error(err)
			return
		}
		n, _ := strconv.Atoi(body)
		_, err = c.PutObject(t.Context(), &awss3.PutObjectInput{
			Bucket: aws.String(testBucket), Key: aws.String("counter"), Body: strings.NewReader(strconv.Itoa(n + 1)),
			IfMatch: &etag,
		})
		if err == nil {
			return
		}
		if code(err) != "PreconditionFailed" {
			t.Error(err)
			return
		}
	}
}

func TestOneOfFiftyCreatesSucceeds(t *testing.T) {
	s := newServer(t, Config{})
	var mu sync.Mutex
	won := 0
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			_, err := client(s, admin()).PutObject(t.Context(), &awss3.PutObjectInput{
				Bucket: aws.String(testBucket), Key: aws.String("claim"), Body: strings.NewReader(strconv.Itoa(i)),
				IfNoneMatch: aws.String("*"),
			})
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won++
			} else if code(err) != "PreconditionFailed" {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won != 1 {
		t.Errorf("%d winners", won)
	}
}

func TestObjectsSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	first := client(newServer(t, Config{Dir: dir}), admin())
	awkward := "../../etc/passwd\n" + strings.Repeat("k/", 400)
	etag := put(t, first, awkward, "body\n{}")
	put(t, first, "gone", "x")
	if _, err := first.DeleteObject(t.Context(),
		&awss3.DeleteObjectInput{Bucket: aws.String(testBucket), Key: aws.String("gone")}); err != nil {
		t.Fatal(err)
	}
	s := newServer(t, Config{Dir: dir})
	got, again, err := get(t.Context(), client(s, admin()), awkward)
	if err != nil || got != "body\n{}" || again != etag {
		t.Fatalf("got %q %s, %v", got, again, err)
	}
	if n := len(s.Keys(testBucket, "")); n != 1 {
		t.Errorf("%d keys", n)
	}
}

func TestFaults(t *testing.T) {
	for _, row := range []struct {
		kind  FaultKind
		code  string
		after string // the stored value afterwards
	}{
		{FaultInternal, "InternalError", "old"},
		{FaultUnavailable, "ServiceUnavailable", "old"},
		{FaultSlowDown, "SlowDown", "old"},
		{FaultConflict, "ConditionalRequestConflict", "old"},
		{FaultDenied, "AccessDenied", "old"},
		{FaultLost, "unexpected EOF", "new"},
	} {
		t.Run(string(row.kind), func(t *testing.T) {
			s := newServer(t, Config{})
			c := client(s, admin())
			put(t, c, "a/k", "old")
			if err := s.Inject(Fault{Kind: row.kind, Verb: "PutObject", KeyPrefix: "a/", Skip: 1, Count: 1}); err != nil {
				t.Fatal(err)
			}
			put(t, c, "b/k", "passes: other prefix")
			put(t, c, "a/k", "old")
			_, err := c.PutObject(t.Context(),
				&awss3.PutObjectInput{Bucket: aws.String(testBucket), Key: aws.String("a/k"), Body: strings.NewReader("new")})
			if err == nil || !strings.Contains(err.Error(), row.code) {
				t.Errorf("got %v, want %s", err, row.code)
			}
			if got, _ := s.Read(testBucket, "a/k"); string(got) != row.after {
				t.Errorf("stored %q, want %q", got, row.after)
			}
			put(t, c, "a/k", "the fault is used up")
		})
	}
	if err := newServer(t, Config{}).Inject(Fault{Kind: "gremlins"}); err == nil {
		t.Error("an unknown fault was accepted")
	}
}

// The SDK retries a create whose answer was lost. The retry fails its precondition, although the
// object is ours.
func TestLostAnswerLooksLikeAConflict(t *testing.T) {
	s := newServer(t, Config{})
	if err := s.Inject(Fault{Kind: FaultLost, Verb: "PutObject", Count: 1}); err != nil {
		t.Fatal(err)
	}
	c := client(s, admin(), func(o *awss3.Options) { o.RetryMaxAttempts = 3 })
	_, err := c.PutObject(t.Context(), &awss3.PutObjectInput{
		Bucket: aws.String(testBucket), Key: aws.String("k"), Body: strings.NewReader("mine"), IfNoneMatch: aws.String("*"),
	})
	if code(err) != "PreconditionFailed" {
		t.Errorf("got %v", err)
	}
	if got, _ := s.Read(testBucket, "k"); string(got) != "mine" {
		t.Errorf("stored %q", got)
	}
}

func TestVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, Config{})
		c := client(s, admin(), func(o *awss3.Options) { o.HTTPClient = &timeoutClient{inprocess.To(s), 5 * time.Second} })
		_ = s.Inject(Fault{Kind: FaultHang, Verb: "GetObject", Count: 1})
		start := time.Now()
		_, _, err := get(t.Context(), c, "k")
		if err == nil || time.Since(start) != 5*time.Second {
			t.Errorf("after %s: %v", time.Since(start), err)
		}
		_ = s.Inject(Fault{Kind: FaultDelay, Delay: 3 * time.Second, Count: 1})
		start = time.Now()
		put(t, c, "k", "v")
		if time.Since(start) != 3*time.Second {
			t.Errorf("delayed by %s", time.Since(start))
		}
	})
}

func TestListPagesLikeS3(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		keys := rapid.SliceOfNDistinct(rapid.StringMatching(`[ab/]{1,4}`).Filter(func(k string) bool {
			return !strings.HasPrefix(k, "/")
		}), 0, 20, rapid.ID).Draw(rt, "keys")
		prefix := rapid.StringMatching(`[ab/]{0,2}`).Draw(rt, "prefix")
		delimiter := rapid.SampledFrom([]string{"", "/", "b"}).Draw(rt, "delimiter")
		size := rapid.Int32Range(1, 5).Draw(rt, "page")
		s := newServer(t, Config{})
		c := client(s, admin())
		for _, k := range keys {
			put(t, c, k, k)
		}
		var got []string
		pages := awss3.NewListObjectsV2Paginator(c, &awss3.ListObjectsV2Input{
			Bucket: aws.String(testBucket), Prefix: &prefix, Delimiter: &delimiter, MaxKeys: &size,
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				rt.Fatal(err)
			}
			if n := len(page.Contents) + len(page.CommonPrefixes); n > int(size) || n != int(aws.ToInt32(page.KeyCount)) {
				rt.Fatalf("page of %d, count %d, requested %d", n, aws.ToInt32(page.KeyCount), size)
			}
			for _, o := range page.Contents {
				got = append(got, aws.ToString(o.Key))
			}
			for _, p := range page.CommonPrefixes {
				got = append(got, "prefix "+aws.ToString(p.Prefix))
			}
		}
		slices.Sort(got)
		if want := expectedList(keys, prefix, delimiter); !slices.Equal(got, want) {
			rt.Fatalf("got %q, want %q", got, want)
		}
	})
}

func expectedList(keys []string, prefix, delimiter string) []string {
	var want []string
	for _, k := range keys {
		if !strings.HasPrefix(k, prefix) {
			continue
		}
		rest := k[len(prefix):]
		if i := strings.Index(rest, delimiter); delimiter != "" && i >= 0 {
			k = "prefix " + prefix + rest[:i+len(delimiter)]
		}
		want = append(want, k)
	}
	slices.Sort(want)
	return slices.Compact(want)
}

func TestLargeBodiesAreRefused(t *testing.T) {
	s := newServer(t, Config{MaxBody: 10})
	_, err := client(s, admin()).PutObject(t.Context(), &awss3.PutObjectInput{
		Bucket: aws.String(testBucket), Key: aws.String("k"), Body: strings.NewReader("12345678901"),
	})
	if code(err) != "EntityTooLarge" {
		t.Errorf("got %v", err)
	}
	if _, err := New(Config{Buckets: []string{"../x"}, Dir: t.TempDir()}); err == nil {
		t.Error("a bucket name that leaves the directory was accepted")
	}
	if _, err := New(Config{Principals: []Principal{admin(), admin()}}); err == nil {
		t.Error("one access key for two principals was accepted")
	}
}

func TestCountsByPrincipalAndOperation(t *testing.T) {
	s := newServer(t, Config{})
	c := client(s, admin())
	put(t, c, "requests/1", "x")
	_, _, _ = get(t.Context(), c, "requests/1")
	_, _, _ = get(t.Context(), c, "requests/none")
	want := "[{admin GetObject things requests/ 2 0} {admin PutObject things requests/ 1 1}]"
	if got := fmt.Sprint(s.Counts()); got != want {
		t.Errorf("got %s", got)
	}
	if s.ResetCounts(); s.Calls("") != 0 {
		t.Error("counts are left after reset")
	}
}
