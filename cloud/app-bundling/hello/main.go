// Command hello answers GET /hello of an HTTP API. It is a custom runtime of Lambda on the standard library alone: the
// binary `bootstrap` asks the Runtime API for work, and is all that the function consists of.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	goruntime "runtime"
)

// request is what is read of an event of an HTTP API, payload version 2.0.
type request struct {
	Version        string `json:"version"`
	RequestContext struct {
		RequestID string `json:"requestId"`
		HTTP      struct {
			Method string `json:"method"`
		} `json:"http"`
	} `json:"requestContext"`
}

type response struct {
	StatusCode int               `json:"statusCode"`
	Headers    map[string]string `json:"headers"`
	Body       string            `json:"body"`
}

func hello(_ context.Context, event []byte) ([]byte, error) {
	var asked request
	if err := json.Unmarshal(event, &asked); err != nil {
		return nil, fmt.Errorf("the event is not JSON: %w", err)
	}
	if asked.Version != "2.0" || asked.RequestContext.HTTP.Method == "" {
		return nil, errors.New("the event is none of an HTTP API, payload version 2.0")
	}
	body, err := json.Marshal(map[string]string{
		"message":      "hello",
		"service":      "greengrass-itsm",
		"architecture": goruntime.GOARCH,
		"requestId":    asked.RequestContext.RequestID,
	})
	if err != nil {
		return nil, err
	}
	return json.Marshal(response{
		StatusCode: http.StatusOK,
		Headers:    map[string]string{"content-type": "application/json", "cache-control": "no-store"},
		Body:       string(body),
	})
}

// say writes a line of the function's log.
func say(level, message string, cause error) {
	line, err := json.Marshal(map[string]string{"level": level, "message": message, "error": cause.Error()})
	if err == nil {
		fmt.Println(string(line))
	}
}

func main() {
	host := os.Getenv("AWS_LAMBDA_RUNTIME_API")
	if host == "" {
		say("ERROR", "not started", errors.New("AWS_LAMBDA_RUNTIME_API is not set: this runs in Lambda"))
		os.Exit(1)
	}
	api := newRuntimeAPI(host)
	if os.Getenv("AWS_LAMBDA_FUNCTION_NAME") == "" {
		cause := errors.New("AWS_LAMBDA_FUNCTION_NAME is not set")
		say("ERROR", "not started", cause)
		if err := api.failInit(cause); err != nil {
			say("ERROR", "the failed start could not be told", err)
		}
		os.Exit(1)
	}
	if err := serve(api, hello); err != nil {
		say("ERROR", "the runtime API failed", err)
		os.Exit(1)
	}
}
