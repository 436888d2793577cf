using System.Globalization;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Sas;

namespace Gristmill.Data.Tests.Reading.Remote.Cloud;

/// <summary>A server of objects.</summary>
internal abstract class CloudServer(int port)
{
    public const string Container = "lake";

    public int Port => port;

    /// <summary>What its paths begin with.</summary>
    public abstract string Root { get; }

    /// <summary>How it is reached.</summary>
    /// <param name="through">Another port than its own.</param>
    /// <param name="key">Another key than the right one.</param>
    public abstract string Text(int? through = null, string? key = null);

    public abstract Task PutAsync(string key, byte[] bytes);

    /// <summary>Puts what stands for a folder.</summary>
    public abstract Task MarkAsync(string folder);

    /// <summary>What it answers in its own words.</summary>
    public abstract string Answer(int status, string code, string header = "");
}

internal sealed class S3Server(int port) : CloudServer(port)
{
    // s3rver knows these alone, and does not look at signatures.
    private const string Id = "S3RVER", Key = "S3RVER";

    private readonly AmazonS3Config _config = new()
    {
        ServiceURL = $"http://127.0.0.1:{port}",
        ForcePathStyle = true,
        RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
    };

    public override string Root => $"s3://{Container}/";

    public override string Text(int? through = null, string? key = null) =>
        string.Create(CultureInfo.InvariantCulture, $"AccessKeyId={key ?? Id};SecretAccessKey={key ?? Key};Endpoint=http://127.0.0.1:{through ?? Port}");

    public override async Task PutAsync(string key, byte[] bytes)
    {
        using var client = new AmazonS3Client(Id, Key, _config);
        using var stream = new MemoryStream(bytes);
        await client.PutObjectAsync(new PutObjectRequest { BucketName = Container, Key = key, InputStream = stream, UseChunkEncoding = false });
    }

    public override Task MarkAsync(string folder) => PutAsync(folder + "/", []);

    public override string Answer(int status, string code, string header = "")
    {
        var body = $"<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message>hush</Message><RequestId>1</RequestId></Error>";
        return string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 {status} Because\r\nConnection: close\r\nContent-Type: application/xml\r\nContent-Length: {body.Length}\r\n{header}\r\n{body}");
    }
}

internal sealed class BlobServer(int port, string key) : CloudServer(port)
{
    public const string Account = "millstore";

    private readonly BlobContainerClient _client = new(TextOf(port, key), Container);

    public override string Root => $"az://{Container}/";

    public override string Text(int? through = null, string? key = null) => TextOf(through ?? Port, key is null ? Key : Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(key)));

    private string Key { get; } = key;

    public Task CreateAsync() => _client.CreateAsync();

    public override Task PutAsync(string key, byte[] bytes) => _client.GetBlobClient(key).UploadAsync(BinaryData.FromBytes(bytes), overwrite: true);

    public override Task MarkAsync(string folder) =>
        _client.GetBlobClient(folder).UploadAsync(BinaryData.FromBytes([]), new BlobUploadOptions { Metadata = new Dictionary<string, string> { ["hdi_isfolder"] = "true" } });

    /// <summary>A shared access signature to read and list.</summary>
    public string Signature() => _client.GenerateSasUri(BlobContainerSasPermissions.Read | BlobContainerSasPermissions.List, DateTimeOffset.UtcNow.AddHours(1)).Query[1..];

    public override string Answer(int status, string code, string header = "") =>
        string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 {status} Because\r\nConnection: close\r\nContent-Length: 0\r\nx-ms-error-code: {code}\r\n{header}\r\n");

    private static string TextOf(int port, string key) =>
        string.Create(CultureInfo.InvariantCulture, $"DefaultEndpointsProtocol=http;AccountName={Account};AccountKey={key};BlobEndpoint=http://127.0.0.1:{port}/{Account};");
}
