package twiliosim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
)

// apiError is an error answer of the REST API in Twilio's shape.
type apiError struct {
	Code     int    `json:"code"`
	Message  string `json:"message"`
	MoreInfo string `json:"more_info"`
	Status   int    `json:"status"`
}

// Twilio's documented error codes that the API answers by itself.
const (
	codeUnknownParameter = 20001
	codeAuthenticate     = 20003
	codeMethodNotAllowed = 20004
	codeNotFound         = 20404
	codeInvalidParameter = 20422
	codeTooManyRequests  = 20429
	codeInternal         = 20500
	codeNoCallTo         = 21201
	codeInvalidURL       = 21205
	codeCallerNotOwned   = 21210
	codeInvalidTo        = 21211
	codeInvalidFrom      = 21212
	codeNoCallFrom       = 21213
	codeBadCallState     = 21220
	codeNoBody           = 21602
	codeNoFrom           = 21603
	codeNoTo             = 21604
	codeFromNotOwned     = 21606
	codeBadCallback      = 21609
	codeOptedOut         = 21610
	codeBodyTooLong      = 21617
	codeBadValidity      = 21624
	codeValidityExpired  = 30036
)

// refuse makes a 400 answer.
func refuse(code int, format string, args ...any) *apiError {
	return newAPIError(http.StatusBadRequest, code, fmt.Sprintf(format, args...))
}

func newAPIError(status, code int, message string) *apiError {
	return &apiError{Code: code, Message: message, Status: status, MoreInfo: "https://www.twilio.com/docs/errors/" + strconv.Itoa(code)}
}

// codeFor is the code that a status comes with when a fault names none.
func codeFor(status int) int {
	switch status {
	case http.StatusUnauthorized:
		return codeAuthenticate
	case http.StatusNotFound:
		return codeNotFound
	case http.StatusTooManyRequests:
		return codeTooManyRequests
	}
	if status >= 500 {
		return codeInternal
	}
	return codeInvalidParameter
}

// sentence is what Twilio says to a code in the answers of faults and refused numbers.
func sentence(code int) string {
	switch code {
	case codeAuthenticate:
		return "Authenticate"
	case codeTooManyRequests:
		return "Too Many Requests"
	case codeInvalidTo:
		return "Invalid 'To' Phone Number"
	case 21408:
		return "Permission to send an SMS has not been enabled for the region indicated by the 'To' number"
	case codeOptedOut:
		return "Attempt to send to unsubscribed recipient"
	case 21612:
		return "The 'To' phone number is not currently reachable via SMS"
	case 21614:
		return "'To' number is not a valid mobile number"
	}
	return "Error " + strconv.Itoa(code)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// The client may be gone; there is nobody left to tell.
	_ = json.NewEncoder(w).Encode(v)
}

func itoa(n int) string { return strconv.Itoa(n) }
