using System.Data.Common;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.RegularExpressions;
using Amazon;
using Amazon.Runtime;
using Amazon.Runtime.Internal;
using Amazon.S3;
using Amazon.S3.Model;

namespace Gristmill.Data.Sources.Remote.Cloud;

/// <summary>A bucket of Amazon S3, or of what speaks its protocol.</summary>
internal sealed partial class S3Bucket : CloudContainer
{
    private const string Form = "It is written AccessKeyId=...;SecretAccessKey=...;SessionToken=...;Region=...;Endpoint=https://...; keys both or neither, a session token with keys alone.";

    private static readonly string[] s_words = ["AccessKeyId", "SecretAccessKey", "SessionToken", "Region", "Endpoint"];

    private readonly string _name;
    private readonly CloudClient<AmazonS3Client> _client;

    public S3Bucket(CloudPath path, RemoteReadOptions options)
    {
        _name = path.Container;
        _client = new CloudClient<AmazonS3Client>(options.Storage, text => Connect(options.Storage, text));
    }

    public override async Task<CloudPage> ListAsync(RemoteCalls calls, string prefix, bool below, string? next, CancellationToken cancellationToken)
    {
        var request = new ListObjectsV2Request { BucketName = _name, Prefix = prefix, Delimiter = below ? null : "/", ContinuationToken = next };
        var page = await CallAsync(calls, client => client.ListObjectsV2Async(request, cancellationToken), cancellationToken).ConfigureAwait(false);
        return new CloudPage(
            [.. (page.S3Objects ?? []).Where(static one => !one.Key.EndsWith('/')).Select(static one => (one.Key, VersionOf(one.Size, one.ETag)))],
            page.IsTruncated == true ? page.NextContinuationToken : null);
    }

    public override RemoteFile File(RemoteCalls calls, string key, RemoteVersion? version) => new S3File(this, calls, key, version);

    private static AmazonS3Client Connect(CloudStorage storage, string? text)
    {
        // This side tries again, and says when it is too late.
        var config = new AmazonS3Config
        {
            MaxErrorRetry = 0,
            Timeout = Timeout.InfiniteTimeSpan,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
        };
        var words = Words(storage, text);
        var endpoint = words.GetValueOrDefault("Endpoint");
        if (endpoint is not null)
        {
            (config.ServiceURL, config.ForcePathStyle, config.AuthenticationRegion) = (endpoint, true, words.GetValueOrDefault("Region") ?? "us-east-1");
        }
        else if (words.GetValueOrDefault("Region") is { } region)
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(region);
        }

        return words.GetValueOrDefault("AccessKeyId") is { } id
            ? words.GetValueOrDefault("SessionToken") is { } token
                ? new AmazonS3Client(id, words["SecretAccessKey"], token, config)
                : new AmazonS3Client(id, words["SecretAccessKey"], config)
            : storage == CloudStorage.Anonymous ? new AmazonS3Client(new AnonymousAWSCredentials(), config) : new AmazonS3Client(config);
    }

    private static Dictionary<string, string> Words(CloudStorage storage, string? text)
    {
        var words = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        if (text is null)
        {
            return words;
        }

        try
        {
            var parsed = new DbConnectionStringBuilder { ConnectionString = text };
            foreach (string word in parsed.Keys)
            {
                words.Add(word, (string)parsed[word]);
            }
        }
        catch (ArgumentException)
        {
            // Its message quotes the text.
            words.Add("", "");
        }

        var keys = words.ContainsKey("AccessKeyId");
        var isRight = words.Keys.All(word => s_words.Contains(word, StringComparer.OrdinalIgnoreCase)) && keys == words.ContainsKey("SecretAccessKey") && (keys || !words.ContainsKey("SessionToken"))
            && (!words.TryGetValue("Region", out var region) || Region().IsMatch(region))
            && (!words.TryGetValue("Endpoint", out var endpoint) || (Uri.TryCreate(endpoint, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && uri.UserInfo.Length == 0));
        return isRight ? words : throw new GristmillException(ErrorCodes.Invalid, $"The {storage} does not say how S3 is reached.", Form);
    }

    private async Task<T> CallAsync<T>(RemoteCalls calls, Func<AmazonS3Client, Task<T>> call, CancellationToken cancellationToken)
    {
        try
        {
            return await call(await _client.GetAsync(cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
        }
        catch (AmazonServiceException e)
        {
            var answer = (e.InnerException as HttpErrorResponseException)?.Response;
            throw CloudErrors.Explain(calls, (int)e.StatusCode, e.ErrorCode, name => answer?.IsHeaderPresent(name) == true ? answer.GetHeaderValue(name) : null);
        }
        catch (AmazonClientException)
        {
            throw calls.Unavailable("cannot be asked for: there are no credentials, or no region",
                "Set the option Remote.Storage, or the environment as the AWS SDK reads it (AWS_REGION, AWS_ACCESS_KEY_ID, profiles); CloudStorage.Anonymous is for public buckets.");
        }
    }

    private static RemoteVersion VersionOf(long? bytes, string? tag) => new(bytes, EntityTagHeaderValue.TryParse(tag, out var parsed) ? parsed : null, null);

    [GeneratedRegex("^[a-z0-9-]{1,40}$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex Region();

    private sealed class S3File : RemoteFile
    {
        private readonly S3Bucket _bucket;
        private readonly string _key;

        public S3File(S3Bucket bucket, RemoteCalls calls, string key, RemoteVersion? version)
            : base(calls)
        {
            (_bucket, _key, Version) = (bucket, key, version);
        }

        /// <summary>Asked for with its first byte: the answer to HEAD does not say whether bucket or object is missing.</summary>
        protected override Task<RemoteVersion> AskAsync(CancellationToken cancellationToken) => _bucket.CallAsync(Calls, async client =>
        {
            try
            {
                using var answer = await client.GetObjectAsync(new GetObjectRequest { BucketName = _bucket._name, Key = _key, ByteRange = new ByteRange(0, 0) }, cancellationToken).ConfigureAwait(false);
                return VersionOf(answer);
            }
            catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
            {
                return new RemoteVersion(0, null, null);
            }
        }, cancellationToken);

        protected override Task<RemoteContent> OpenAsync(long from, RemoteVersion known, CancellationToken cancellationToken) => _bucket.CallAsync(Calls, async client =>
        {
            var request = new GetObjectRequest { BucketName = _bucket._name, Key = _key, EtagToMatch = known.Tag?.Tag };
            if (from > 0)
            {
                request.ByteRange = new ByteRange(FormattableString.Invariant($"bytes={from}-"));
            }

            var answer = await client.GetObjectAsync(request, cancellationToken).ConfigureAwait(false);
            return new RemoteContent(answer.ResponseStream, VersionOf(answer), ContentRangeHeaderValue.TryParse(answer.ContentRange, out var range) ? range.From ?? 0 : 0, answer);
        }, cancellationToken);

        private static RemoteVersion VersionOf(GetObjectResponse answer) => S3Bucket.VersionOf(
            answer.ContentRange?.Split('/') is [_, var all] && long.TryParse(all, NumberStyles.None, CultureInfo.InvariantCulture, out var bytes) ? bytes : answer.ContentLength,
            answer.ETag);
    }
}
