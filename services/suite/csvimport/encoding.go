package csvimport

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/transform"
)

// Encoding is how the text of a file is written.
type Encoding string

// Encodings that are taken. Any other is refused, never guessed at.
const (
	UTF8    Encoding = "UTF-8"
	GB18030 Encoding = "GB 18030"
)

// EncodingError says that a file is written in no encoding that is taken.
type EncodingError struct {
	// Found names what it seems to be; empty if unknown.
	Found string
	// Offset is that of the first byte that does not fit GB 18030.
	Offset int64
}

// Error implements error.
func (e *EncodingError) Error() string {
	if e.Found != "" {
		return fmt.Sprintf("the file is %s; save it as UTF-8 or GB 18030", e.Found)
	}
	return fmt.Sprintf("the file is neither UTF-8 nor GB 18030 (byte %d); save it as UTF-8", e.Offset)
}

// content is what a first reading of a file finds out.
type content struct {
	encoding Encoding
	digest   [sha256.Size]byte
	size     int64
}

// marks are how files begin that are written in other encodings.
func marks() map[string]string {
	return map[string]string{"\xff\xfe": "UTF-16", "\xfe\xff": "UTF-16", "\x00\x00\xfe\xff": "UTF-32", "PK\x03\x04": "a workbook or archive", "\xd0\xcf\x11\xe0": "an old workbook", "%PDF": "a PDF"}
}

// inspect reads the file to its end and leaves it at its beginning. It holds some
// kilobytes, whatever the file's size.
func inspect(f io.ReadSeeker) (content, error) {
	var c content
	digest := sha256.New()
	head := make([]byte, 4)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return c, err
	}
	for mark, name := range marks() {
		if bytes.HasPrefix(head[:n], []byte(mark)) {
			return c, &EncodingError{Found: name}
		}
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return c, err
	}
	counted := &counter{r: io.TeeReader(f, digest)}
	valid, err := isUTF8(counted)
	if err != nil {
		return c, err
	}
	if _, err := io.Copy(io.Discard, counted); err != nil {
		return c, err
	}
	digest.Sum(c.digest[:0])
	c.size, c.encoding = counted.n, UTF8
	if !valid {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return c, err
		}
		if at, err := brokenGB18030(f); err != nil || at >= 0 {
			if err != nil {
				return c, err
			}
			return c, &EncodingError{Offset: at}
		}
		c.encoding = GB18030
	}
	_, err = f.Seek(0, io.SeekStart)
	return c, err
}

// isUTF8 reads until the end or the first byte that is not UTF-8.
func isUTF8(r io.Reader) (bool, error) {
	buf := make([]byte, 64<<10)
	kept := 0
	for {
		n, err := r.Read(buf[kept:])
		b := buf[:kept+n]
		for len(b) > 0 {
			c, size := utf8.DecodeRune(b)
			if c == utf8.RuneError && size == 1 {
				if !utf8.FullRune(b) && err == nil {
					break // the rest of it comes with the next reading
				}
				return false, nil
			}
			b = b[size:]
		}
		kept = copy(buf, b)
		if errors.Is(err, io.EOF) {
			return kept == 0, nil
		}
		if err != nil {
			return false, err
		}
	}
}

// brokenGB18030 returns the offset in the decoded text of the first byte that is
// not GB 18030, or -1.
func brokenGB18030(r io.Reader) (int64, error) {
	decoded := bufio.NewReaderSize(transform.NewReader(r, simplifiedchinese.GB18030.NewDecoder()), 64<<10)
	var at int64
	for {
		c, size, err := decoded.ReadRune()
		if errors.Is(err, io.EOF) {
			return -1, nil
		}
		if err != nil {
			return at, err
		}
		if c == utf8.RuneError || c == 0 {
			return at, nil
		}
		at += int64(size)
	}
}

// text returns the file's text as UTF-8, without a byte order mark.
func (c content) text(r io.Reader) *bufio.Reader {
	if c.encoding == GB18030 {
		r = transform.NewReader(r, simplifiedchinese.GB18030.NewDecoder())
	}
	b := bufio.NewReaderSize(r, 64<<10)
	if mark, err := b.Peek(3); err == nil && string(mark) == "\ufeff" {
		_, _ = b.Discard(3) // it was peeked: it is there
	}
	return b
}

// counter counts what was read.
type counter struct {
	r io.Reader
	n int64
}

// Read implements io.Reader.
func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
