package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"
)

// largestEvent is what Lambda takes of a caller that waits, in bytes.
const largestEvent = 6 << 20

// handler answers one event.
type handler func(ctx context.Context, event []byte) ([]byte, error)

// runtimeAPI is the interface that Lambda gives to a custom runtime.
// Source: "Using the Lambda runtime API for custom runtimes", AWS Lambda developer guide.
type runtimeAPI struct {
	base string
	// Lambda answers `next` when there is something to do, and freezes the process until then.
	waiting *http.Client
	sending *http.Client
}

func newRuntimeAPI(host string) *runtimeAPI {
	return &runtimeAPI{
		base:    "http://" + host + "/2018-06-01/runtime",
		waiting: &http.Client{},
		sending: &http.Client{Timeout: 10 * time.Second},
	}
}

type invocation struct {
	id       string
	traceID  string
	deadline time.Time
	event    []byte
	// tooLarge stands in the place of an event that is.
	tooLarge bool
}

func (api *runtimeAPI) next() (*invocation, error) {
	answer, err := api.waiting.Get(api.base + "/invocation/next")
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the runtime API answered next with %s", answer.Status)
	}
	event, err := io.ReadAll(io.LimitReader(answer.Body, largestEvent+1))
	if err != nil {
		return nil, err
	}
	id := answer.Header.Get("Lambda-Runtime-Aws-Request-Id")
	if id == "" {
		return nil, errors.New("the runtime API answered next without a request id")
	}
	deadlineMs, err := strconv.ParseInt(answer.Header.Get("Lambda-Runtime-Deadline-Ms"), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("the runtime API answered next without a deadline: %w", err)
	}
	return &invocation{
		id:       id,
		traceID:  answer.Header.Get("Lambda-Runtime-Trace-Id"),
		deadline: time.UnixMilli(deadlineMs),
		event:    event,
		tooLarge: len(event) > largestEvent,
	}, nil
}

func (api *runtimeAPI) send(path, kind string, body []byte) error {
	request, err := http.NewRequest(http.MethodPost, api.base+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	if kind != "" {
		request.Header.Set("Lambda-Runtime-Function-Error-Type", kind)
	}
	answer, err := api.sending.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<16))
	if answer.StatusCode >= 300 {
		return fmt.Errorf("the runtime API answered %s with %s", path, answer.Status)
	}
	return nil
}

func (api *runtimeAPI) respond(id string, body []byte) error {
	return api.send("/invocation/"+url.PathEscape(id)+"/response", "", body)
}

func (api *runtimeAPI) fail(id string, cause error) error {
	return api.send("/invocation/"+url.PathEscape(id)+"/error", "Function.Error", failure(cause))
}

func (api *runtimeAPI) failInit(cause error) error {
	return api.send("/init/error", "Function.InitError", failure(cause))
}

func failure(cause error) []byte {
	body, err := json.Marshal(map[string]string{"errorType": "Error", "errorMessage": cause.Error()})
	if err != nil {
		return []byte(`{"errorType":"Error","errorMessage":"unknown"}`)
	}
	return body
}

// serve answers one invocation after the other. It ends with the first error of the runtime API itself, and with it the
// process, which Lambda then starts again.
func serve(api *runtimeAPI, handle handler) error {
	for {
		invoked, err := api.next()
		if err != nil {
			return err
		}
		if err := os.Setenv("_X_AMZN_TRACE_ID", invoked.traceID); err != nil {
			return err
		}
		answer, err := call(handle, invoked)
		if err != nil {
			err = api.fail(invoked.id, err)
		} else {
			err = api.respond(invoked.id, answer)
		}
		if err != nil {
			return err
		}
	}
}

// call turns a panic into the failure of this one invocation.
func call(handle handler, invoked *invocation) (answer []byte, err error) {
	if invoked.tooLarge {
		return nil, fmt.Errorf("the event has more than %d bytes", largestEvent)
	}
	ctx, cancel := context.WithDeadline(context.Background(), invoked.deadline)
	defer cancel()
	defer func() {
		if cause := recover(); cause != nil {
			answer, err = nil, fmt.Errorf("panic: %v", cause)
		}
	}()
	return handle(ctx, invoked.event)
}
