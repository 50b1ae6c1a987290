package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

// lambda is a Runtime API that hands out events and then ends, and keeps what it is sent.
type lambda struct {
	events []string
	given  int
	sent   []string
}

func (l *lambda) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/2018-06-01/runtime/invocation/next" {
		if l.given == len(l.events) {
			w.WriteHeader(http.StatusGone)
			return
		}
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", fmt.Sprintf("id-%d", l.given))
		w.Header().Set("Lambda-Runtime-Trace-Id", fmt.Sprintf("trace-%d", l.given))
		w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(time.Minute).UnixMilli()))
		_, _ = io.WriteString(w, l.events[l.given])
		l.given++
		return
	}
	body, _ := io.ReadAll(r.Body)
	path := strings.TrimPrefix(r.URL.Path, "/2018-06-01/runtime")
	l.sent = append(l.sent, path+" "+r.Header.Get("Lambda-Runtime-Function-Error-Type")+" "+string(body))
	w.WriteHeader(http.StatusAccepted)
}

func run(t *testing.T, handle handler, events ...string) *lambda {
	t.Helper()
	api := &lambda{events: events}
	server := httptest.NewServer(api)
	defer server.Close()
	err := serve(newRuntimeAPI(strings.TrimPrefix(server.URL, "http://")), handle)
	if err == nil || !strings.Contains(err.Error(), "410") {
		t.Fatalf("serve ended with %v", err)
	}
	return api
}

func TestEachInvocationIsAnsweredUnderItsID(t *testing.T) {
	var traces []string
	api := run(t, func(ctx context.Context, event []byte) ([]byte, error) {
		if _, bounded := ctx.Deadline(); !bounded {
			t.Error("the invocation has no deadline")
		}
		traces = append(traces, os.Getenv("_X_AMZN_TRACE_ID"))
		return append([]byte("got "), event...), nil
	}, "one", "two")
	want := "[/invocation/id-0/response  got one /invocation/id-1/response  got two]"
	if got := fmt.Sprint(api.sent); got != want {
		t.Errorf("sent %s, want %s", got, want)
	}
	if got := fmt.Sprint(traces); got != "[trace-0 trace-1]" {
		t.Errorf("traces %s", got)
	}
}

func TestAFailureAndAPanicEndOneInvocationOnly(t *testing.T) {
	api := run(t, func(_ context.Context, event []byte) ([]byte, error) {
		switch string(event) {
		case "fails":
			return nil, errors.New("no")
		case "panics":
			panic("out of range")
		}
		return event, nil
	}, "fails", "panics", "works")
	want := []string{
		`/invocation/id-0/error Function.Error {"errorMessage":"no","errorType":"Error"}`,
		`/invocation/id-1/error Function.Error {"errorMessage":"panic: out of range","errorType":"Error"}`,
		`/invocation/id-2/response  works`,
	}
	if got := strings.Join(api.sent, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("sent\n%s", got)
	}
}

func TestAnEventThatIsTooLargeIsRefused(t *testing.T) {
	api := run(t, func(context.Context, []byte) ([]byte, error) {
		t.Error("the handler got it")
		return nil, nil
	}, strings.Repeat("x", largestEvent+1))
	if len(api.sent) != 1 || !strings.HasPrefix(api.sent[0], "/invocation/id-0/error Function.Error") {
		t.Errorf("sent %s", api.sent)
	}
}

func TestAFailedStartIsTold(t *testing.T) {
	api := &lambda{}
	server := httptest.NewServer(api)
	defer server.Close()
	if err := newRuntimeAPI(strings.TrimPrefix(server.URL, "http://")).failInit(errors.New("why")); err != nil {
		t.Fatal(err)
	}
	if got := api.sent[0]; got != `/init/error Function.InitError {"errorMessage":"why","errorType":"Error"}` {
		t.Errorf("sent %s", got)
	}
}

func TestHelloAnswersAnHTTPAPI(t *testing.T) {
	answer, err := hello(context.Background(), []byte(`{"version":"2.0","requestContext":{"requestId":"r1","http":{"method":"GET"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	var got response
	if err := json.Unmarshal(answer, &got); err != nil {
		t.Fatal(err)
	}
	if got.StatusCode != 200 || got.Headers["content-type"] != "application/json" ||
		!strings.Contains(got.Body, `"message":"hello"`) || !strings.Contains(got.Body, `"requestId":"r1"`) {
		t.Errorf("answered %+v", got)
	}
}

func TestHelloRefusesWhatIsNoRequest(t *testing.T) {
	for _, event := range []string{"", "hello", "{}", `{"version":"1.0"}`, "[]"} {
		if _, err := hello(context.Background(), []byte(event)); err == nil {
			t.Errorf("%q was answered", event)
		}
	}
}
