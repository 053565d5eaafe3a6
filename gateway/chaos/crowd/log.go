package crowd

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// Log is a file of JSON records, one on each line, each written at once: what happened is known even if the program ends.
type Log struct {
	mu   sync.Mutex
	file *os.File
	size int64 // bytes of whole records
	err  error // the first failure; a log with a hole in it proves nothing
}

// Create makes an empty log.
func Create(path string) (*Log, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("make a log: %w", err)
	}
	return &Log{file: f}, nil
}

// Add writes a record. A failure shows in Reader and Close.
func (l *Log) Add(record any) {
	line, err := json.Marshal(record)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil {
		_, err = l.file.Write(append(line, '\n'))
		l.size += int64(len(line)) + 1
	}
	if err != nil && l.err == nil {
		l.err = fmt.Errorf("write to %s: %w", l.file.Name(), err)
	}
}

// Reader reads the records that are whole by now. Close it. A log that could not be written is not read.
func (l *Log) Reader() (io.ReadCloser, error) {
	l.mu.Lock()
	name, size, failed := l.file.Name(), l.size, l.err
	l.mu.Unlock()
	if failed != nil {
		return nil, failed
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read a log: %w", err)
	}
	return struct {
		io.Reader
		io.Closer
	}{io.LimitReader(f, size), f}, nil
}

// Close closes the file; the error says whether every record is in it.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return errors.Join(l.err, l.file.Close())
}
