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
    [InlineData("""{"name":"t","pipeline":"p","metric":{"pipeline":"q","stage":"s","metric":"m","operator":"=","value":1}}""", ErrorCodes.Invalid, "'='")]
    [InlineData("""{"name":"t","pipeline":"p","webhook":{"secret":"a b"}}""", ErrorCodes.Invalid, "a b")]
    [InlineData("""{"name":"t","pipeline":"p","interval":{"every":"00:01:00"},"queueLimit":1000}""", ErrorCodes.Invalid, "1000")]
    public void What_a_trigger_cannot_be_is_refused_with_its_code(string json, string code, string names)
    {
        var error = Assert.Throws<GristmillException>(() => TriggerSpecValidator.ThrowIfInvalid(GristmillJson.Deserialize<TriggerSpec>(json)));

        Assert.Equal(code, error.Code);
        Assert.Contains(names, error.Message, StringComparison.Ordinal);
    }
}
