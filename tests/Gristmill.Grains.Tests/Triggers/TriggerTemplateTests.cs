using System.Collections.Immutable;
using System.Text.Json;

namespace Gristmill.Grains.Triggers;

public sealed class TriggerTemplateTests
{
    private static readonly TriggerSpec Hook = new() { Name = "t", Pipeline = "p", Webhook = new WebhookSource { Secret = "s" } };

    [Theory]
    [InlineData("\"{{file}}\"", "file")]
    [InlineData("\"{{ body.a[0]['b.c'] }}\"", "body.a[0]['b.c']")]
    [InlineData("\"plain\"", null)]
    [InlineData("5", null)]
    [InlineData("[\"{{file}}\"]", null)]
    public void A_placeholder_is_a_text_as_a_whole(string json, string? placeholder) => Assert.Equal(placeholder, TriggerTemplate.Placeholder(json));

    [Theory]
    [InlineData("\"select * from {{file}}\"")]
    [InlineData("\"{{file}}{{file}}\"")]
    [InlineData("\"{{}}\"")]
    [InlineData("\"a}}\"")]
    public void A_placeholder_inside_a_text_is_refused(string json) => Assert.Throws<FormatException>(() => TriggerTemplate.Placeholder(json));

    [Theory]
    [InlineData("{{scheduled}}", "{{scheduled}}")]
    [InlineData("2001-04/ATL", "2001-04|ATL")]
    [InlineData("ATL/{{scheduled}}", "ATL|{{scheduled}}")]
    [InlineData("{{body.a/b['c/d']}}/{{ body.e }}", "{{body.a/b['c/d']}}|{{ body.e }}")]
    public void A_partition_has_a_text_for_each_dimension(string partition, string parts) =>
        Assert.Equal(parts.Split('|'), TriggerTemplate.PartitionParts(Hook with { Partition = partition }).Select(part => JsonSerializer.Deserialize<string>(part)));

    [Fact]
    public void Values_that_a_partition_names_are_used()
    {
        Assert.Equal(["body.airport", "scheduled"], TriggerTemplate.Used(Hook with { Partition = "{{body.airport}}/{{scheduled}}" }));
        Assert.Empty(TriggerTemplate.Used(Hook with { Partition = "ATL/2001-04" }));
        Assert.Empty(TriggerTemplate.Used(Hook));
    }

    [Fact]
    public void Values_of_a_body_keep_their_types_and_are_never_part_of_a_text()
    {
        const string hostile = "\\\"; drop table x; {{run}} --";
        using var body = JsonDocument.Parse($$"""{"order":{"id":7,"items":[{"name":"{{hostile}}"}]},"ok":true,"a.b":null}""");
        string[] used = ["body.order.id", "body.order.items[0].name", "body.ok", "body['a.b']", "body.order.items[1].name", "body.ok.deeper", "scheduled"];

        var values = TriggerTemplate.FromBody(used, body.RootElement);

        Assert.Equal(["7", $"\"{hostile}\"", "true", "null"], used.Take(4).Select(name => values[name]));
        Assert.Equal(4, values.Count);
        var filled = TriggerTemplate.Fill(ImmutableDictionary<string, string>.Empty.Add("name", "\"{{body.order.items[0].name}}\""), values);
        Assert.Equal($"\"{hostile}\"", filled["name"]);
    }

    [Fact]
    public void A_value_that_the_event_lacks_is_named()
    {
        var error = Assert.Throws<GristmillException>(() => TriggerTemplate.Fill(
            ImmutableDictionary<string, string>.Empty.Add("n", "\"{{body.x}}\""), ImmutableDictionary<string, string>.Empty));

        Assert.Equal(ErrorCodes.Invalid, error.Code);
        Assert.Contains("{{body.x}}", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("body.a[0]", true)]
    [InlineData("id", true)]
    [InlineData("scheduled.date", true)]
    [InlineData("file", false)]
    [InlineData("body..a", false)]
    [InlineData("bodyguard", false)]
    [InlineData("body[x]", false)]
    public void Only_what_the_source_has_may_be_named(string placeholder, bool known) => Assert.Equal(known, TriggerTemplate.Problem(Hook, placeholder) is null);

    [Theory]
    [InlineData("""{"name":"t","pipeline":"p"}""", ErrorCodes.Invalid, "0 sources")]
    [InlineData("""{"name":"t","pipeline":"p","cron":{"expression":"@daily"},"interval":{"every":"00:01:00"}}""", ErrorCodes.Invalid, "2 sources")]
    [InlineData("""{"name":"../t","pipeline":"p","interval":{"every":"00:01:00"}}""", ErrorCodes.Invalid, "../t")]
    [InlineData("""{"name":"t","pipeline":"p","interval":{"every":"00:00:00.5"}}""", ErrorCodes.Invalid, "interval")]
    [InlineData("""{"name":"t","pipeline":"p","cron":{"expression":"@daily","timeZone":"Nowhere"}}""", ErrorCodes.TimeZone, "Nowhere")]
    [InlineData("""{"name":"t","pipeline":"p","file":{"path":"in/*.csv"}}""", ErrorCodes.Glob, "in/*.csv")]
    [InlineData("""{"name":"t","pipeline":"p","file":{"path":"/in/*.csv"},"parameters":{"x":"file {{file}}"}}""", ErrorCodes.Invalid, "inside a longer text")]
    [InlineData("""{"name":"t","pipeline":"p","file":{"path":"/in/*.csv"},"parameters":{"x":"{{run}}"}}""", ErrorCodes.Invalid, "{{run}}")]
    [InlineData("""{"name":"t","pipeline":"p","cron":{"expression":"@daily"},"partition":"ATL/{{run}}"}""", ErrorCodes.Invalid, "{{run}}")]
    [InlineData("""{"name":"t","pipeline":"p","cron":{"expression":"@daily"},"partition":"ATL/x{{scheduled}}"}""", ErrorCodes.Invalid, "inside a longer text")]
    [InlineData("""{"name":"t","pipeline":"p","metric":{"pipeline":"q","stage":"s","metric":"m","operator":"=","value":1}}""", ErrorCodes.Invalid, "'='")]
    [InlineData("""{"name":"t","pipeline":"p","webhook":{"secret":"a b"}}""", ErrorCodes.Invalid, "a b")]
    [InlineData("""{"name":"t","pipeline":"p","interval":{"every":"00:01:00"},"queueLimit":1000}""", ErrorCodes.Invalid, "1000")]
    [InlineData("""{"name":"t","pipeline":"p","file":{"path":"/in/*.csv"},"object":{"url":"https://h/x"}}""", ErrorCodes.Invalid, "2 sources")]
    [InlineData("""{"name":"t","pipeline":"p","object":{"url":"https://h/x"},"parameters":{"x":"{{file}}"}}""", ErrorCodes.Invalid, "{{object.etag}}")]
    [InlineData("""{"name":"t","pipeline":"p","object":{"url":"https://h/x","poll":"00:00:00.9"}}""", ErrorCodes.Invalid, "00:00:00.9")]
    [InlineData("""{"name":"t","pipeline":"p","object":{"url":"https://h/x","poll":"01:00:01"}}""", ErrorCodes.Invalid, "01:00:01")]
    public void What_a_trigger_cannot_be_is_refused_with_its_code(string json, string code, string names)
    {
        var error = Assert.Throws<GristmillException>(() => TriggerSpecValidator.ThrowIfInvalid(GristmillJson.Deserialize<TriggerSpec>(json)));

        Assert.Equal(code, error.Code);
        Assert.Contains(names, error.Message, StringComparison.Ordinal);
    }

    private static IReadOnlyList<ErrorInfo> ObjectProblems(string url, string? secret = null) =>
        TriggerSpecValidator.Validate(new TriggerSpec { Name = "t", Pipeline = "p", Object = new ObjectArrival { Url = url, Secret = secret } });

    [Theory]
    [InlineData("https://bucket.s3.eu-central-1.amazonaws.com/in/day=1/data.csv")]
    [InlineData("HTTP://127.0.0.1:9000/bucket/a%20b%23.csv?versionId=3&region=eu&signatory=x")]
    [InlineData("https://h")]
    public void An_object_is_named_by_its_address(string url) => Assert.Empty(ObjectProblems(url, "store"));

    [Theory]
    [InlineData("", "0 characters")]
    [InlineData("bucket/hidden.csv", "not absolute")]
    [InlineData("/bucket/hidden.csv", "not absolute")]
    [InlineData("ftp://hidden/x", "not absolute")]
    [InlineData("file:///hidden", "not absolute")]
    [InlineData("https:///hidden", "not absolute")]
    [InlineData("https://user:hidden@host/x", "user name or password")]
    [InlineData("https://hidden@host/x", "user name or password")]
    [InlineData("https://host/x#hidden", "fragment")]
    [InlineData("https://host/hidden x", "spaces")]
    [InlineData("https://host/hidden\n", "spaces")]
    [InlineData("https://host/\\hidden", "spaces")]
    [InlineData("https://host/x?sv=1&sig=hidden", "'sig'")]
    [InlineData("https://host/x?SIG=hidden", "'SIG'")]
    [InlineData("https://host/x?%73ig=hidden", "'sig'")]
    [InlineData("https://host/x?X-Amz-Signature=hidden", "'X-Amz-Signature'")]
    [InlineData("https://host/x?a=b&x-amz-security-token=hidden", "'x-amz-security-token'")]
    [InlineData("https://host/x?X-Goog-Signature=hidden", "'X-Goog-Signature'")]
    [InlineData("https://host/x?AWSAccessKeyId=hidden&Signature=hidden", "'AWSAccessKeyId'")]
    public void An_address_that_cannot_be_used_or_holds_a_secret_is_refused_and_not_told(string url, string names)
    {
        var problem = Assert.Single(ObjectProblems(url));

        Assert.Equal(ErrorCodes.Invalid, problem.Code);
        Assert.Contains(names, problem.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hidden", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_address_is_bounded()
    {
        var url = "https://h/".PadRight(2048, 'a');

        Assert.Empty(ObjectProblems(url));
        Assert.Contains("2048", Assert.Single(ObjectProblems(url + "a")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_value_in_place_of_a_secrets_name_is_refused_and_not_told() =>
        Assert.DoesNotContain("hidden", Assert.Single(ObjectProblems("https://h/x", "Bearer hidden")).Message, StringComparison.Ordinal);
}
