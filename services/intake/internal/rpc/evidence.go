package rpc

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	"example.com/redress/services/intake/internal/domain"
	"example.com/redress/services/intake/internal/media"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/page"
	"example.com/redress/services/kit/seal"
)

const chunkSize = 256 << 10

// UploadEvidence takes a file: header, then chunks. The content is sealed and on
// disk before the record is committed, so a record never points to nothing; a
// content whose record was refused is removed.
func (s *Server) UploadEvidence(stream grpc.ClientStreamingServer[intakev1.UploadEvidenceRequest, intakev1.UploadEvidenceResponse]) error {
	ctx := stream.Context()
	first, err := stream.Recv()
	if err != nil {
		return uploadEnd(err)
	}
	header := first.GetHeader()
	if header == nil {
		return fault.New(fault.Invalid, domain.ReasonUpload)
	}
	if err := domain.CheckFileName(header.GetEvidence().GetFileName()); err != nil {
		return err
	}
	c, err := s.load(ctx, header.GetParent())
	if err != nil {
		return err
	}
	if err := domain.CheckOpen(c); err != nil {
		return err
	}
	select {
	case s.uploads <- struct{}{}:
		defer func() { <-s.uploads }()
	case <-ctx.Done():
		return ctx.Err()
	}
	content, err := receive(stream)
	if err != nil {
		return err
	}
	evidence, err := s.store(ctx, c, header, content)
	if err != nil {
		return err
	}
	return stream.SendAndClose(&intakev1.UploadEvidenceResponse{Evidence: evidence})
}

func receive(stream grpc.ClientStreamingServer[intakev1.UploadEvidenceRequest, intakev1.UploadEvidenceResponse]) ([]byte, error) {
	var content []byte
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return content, nil
		}
		if err != nil {
			return nil, err
		}
		if m.GetHeader() != nil {
			return nil, fault.New(fault.Invalid, domain.ReasonUpload)
		}
		if len(content)+len(m.GetChunk()) > domain.MaxFile {
			return nil, domain.TooLarge()
		}
		content = append(content, m.GetChunk()...)
	}
}

func uploadEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return fault.New(fault.Invalid, domain.ReasonUpload)
	}
	return err
}

func (s *Server) store(ctx context.Context, c *intakev1.Complaint, header *intakev1.EvidenceHeader, content []byte) (*intakev1.Evidence, error) {
	sum := sha256.Sum256(content)
	digest := hex.EncodeToString(sum[:])
	if header.GetSha256() != "" && header.GetSha256() != digest {
		return nil, fault.New(fault.Invalid, domain.ReasonDigest)
	}
	mediaType, err := media.Type(content)
	if err != nil {
		return nil, err
	}
	caller := host.Caller(ctx)
	complaint := lastSegment(c.GetName())
	// The id follows from the request, so that a repeated upload lands on itself.
	id := uuid.NewSHA1(uuid.NameSpaceURL, []byte(caller.Organization+"/"+caller.Principal+"/"+header.GetRequestId()+"/"+digest)).String()
	name := c.GetName() + "/evidence/" + id
	key := caller.Organization + "/" + complaint + "/" + id
	sealed, err := seal.Blob(ctx, s.cfg.Keys, caller.Organization, SubjectID(c), name, content)
	if err != nil {
		return nil, err
	}
	if err := s.cfg.Blobs.Put(key, sealed); err != nil {
		return nil, err
	}
	// What is remembered under the request_id includes the content, by its digest.
	req := proto.CloneOf(header)
	req.Sha256 = digest
	receipt, err := host.Run(ctx, s.host, req, host.Command{Key: c.GetName(), Reads: []string{c.GetName()}, Subject: SubjectID(c)}, func(u *journal.Unit, in *intakev1.EvidenceHeader) error {
		now := &intakev1.Complaint{}
		if _, err := u.Get(c.GetName(), now); err != nil {
			return err
		}
		if err := domain.CheckOpen(now); err != nil {
			return err
		}
		have, err := s.evidenceOf(u, c.GetName())
		if err != nil {
			return err
		}
		if err := domain.CheckRoom(have, int64(len(content))); err != nil {
			return err
		}
		return u.Create(name, &intakev1.Evidence{
			Name: name, FileName: in.GetEvidence().GetFileName(), Document: in.GetEvidence().GetDocument(), Note: in.GetEvidence().GetNote(),
			MediaType: mediaType, Size: int64(len(content)), Sha256: digest, Uploader: caller.Principal,
			CreateTime: timestamppb.New(u.Time()), Blob: key,
		}, &intakev1.EvidenceAdded{})
	})
	if err != nil {
		if _, getErr := s.host.Journal.Get(ctx, caller.Organization, name, &intakev1.Evidence{}); fault.KindOf(getErr) == fault.NotFound {
			err = errors.Join(err, s.cfg.Blobs.Remove(key))
		}
		return nil, err
	}
	return s.shown(host.Answer(ctx, s.host, receipt, &intakev1.Evidence{}, host.View(ctx)))
}

func (s *Server) evidenceOf(u *journal.Unit, complaint string) ([]*intakev1.Evidence, error) {
	names, err := u.Find(Evidence, journal.Attr{Name: "complaint", Value: complaint})
	if err != nil {
		return nil, err
	}
	all := make([]*intakev1.Evidence, len(names))
	for i, name := range names {
		all[i] = &intakev1.Evidence{}
		if _, err := u.Get(name, all[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// shown leaves out where the content lies.
func (s *Server) shown(e *intakev1.Evidence, err error) (*intakev1.Evidence, error) {
	e.Blob = ""
	return e, err
}

// DownloadEvidence streams a file: its record, then the content.
func (s *Server) DownloadEvidence(req *intakev1.DownloadEvidenceRequest, stream grpc.ServerStreamingServer[intakev1.DownloadEvidenceResponse]) error {
	ctx := stream.Context()
	organization := host.Caller(ctx).Organization
	c, err := s.load(ctx, complaintOf(req.GetName()))
	if err != nil {
		return err
	}
	e, err := host.Read(ctx, s.host, req.GetName(), &intakev1.Evidence{}, host.View(ctx))
	if err != nil {
		return err
	}
	sealed, err := s.cfg.Blobs.Get(e.GetBlob())
	if errors.Is(err, fs.ErrNotExist) {
		return fault.New(fault.DataLoss, seal.ReasonBroken, "subject", SubjectID(c)).Wrap(err)
	}
	if err != nil {
		return err
	}
	content, err := seal.OpenBlob(ctx, s.cfg.Keys, organization, SubjectID(c), req.GetName(), sealed)
	if err != nil {
		return err
	}
	e.Blob = ""
	if err := stream.Send(&intakev1.DownloadEvidenceResponse{Part: &intakev1.DownloadEvidenceResponse_Evidence{Evidence: e}}); err != nil {
		return err
	}
	for len(content) > 0 {
		n := min(len(content), chunkSize)
		if err := stream.Send(&intakev1.DownloadEvidenceResponse{Part: &intakev1.DownloadEvidenceResponse_Chunk{Chunk: content[:n]}}); err != nil {
			return err
		}
		content = content[n:]
	}
	return nil
}

// GetEvidence returns the record of one file.
func (s *Server) GetEvidence(ctx context.Context, req *intakev1.GetEvidenceRequest) (*intakev1.GetEvidenceResponse, error) {
	if _, err := s.load(ctx, complaintOf(req.GetName())); err != nil {
		return nil, err
	}
	e, err := s.shown(host.Read(ctx, s.host, req.GetName(), &intakev1.Evidence{}, host.View(ctx)))
	if err != nil {
		return nil, err
	}
	return &intakev1.GetEvidenceResponse{Evidence: e}, nil
}

// ListEvidence lists the files of a complaint.
func (s *Server) ListEvidence(ctx context.Context, req *intakev1.ListEvidenceRequest) (*intakev1.ListEvidenceResponse, error) {
	if _, err := s.load(ctx, req.GetParent()); err != nil {
		return nil, err
	}
	size, err := page.Size(req.GetPageSize())
	if err != nil {
		return nil, err
	}
	organization := host.Caller(ctx).Organization
	after, err := page.After(req.GetPageToken(), req, organization)
	if err != nil {
		return nil, err
	}
	found, err := s.host.Journal.List(ctx, journal.Query{Organization: organization, Kind: Evidence, Parent: req.GetParent(), Limit: size, After: after})
	if err != nil {
		return nil, err
	}
	all, err := host.Rows(ctx, s.host, found.Rows, func() *intakev1.Evidence { return &intakev1.Evidence{} }, host.View(ctx))
	if err != nil {
		return nil, err
	}
	for _, e := range all {
		e.Blob = ""
	}
	return &intakev1.ListEvidenceResponse{Evidence: all, NextPageToken: page.Token(found.Next, req, organization)}, nil
}

// complaintOf returns the complaint of an evidence name.
func complaintOf(name string) string {
	for i, slashes := 0, 0; i < len(name); i++ {
		if name[i] == '/' {
			if slashes++; slashes == 2 {
				return name[:i]
			}
		}
	}
	return name
}
