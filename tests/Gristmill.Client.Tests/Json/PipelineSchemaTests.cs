using System.Text.Json.Nodes;

namespace Gristmill;

public sealed class PipelineSchemaTests
{
    [Fact]
    public void It_names_every_member_and_lets_no_other_be()
    {
        var schema = JsonNode.Parse(PipelineSchema.Text)!;

        Assert.Equal("https://json-schema.org/draft/2020-12/schema", (string?)schema["$schema"]);
        Assert.False((bool)schema["additionalProperties"]!);
        Assert.Contains("name", schema["required"]!.AsArray().Select(n => (string?)n));
        var stage = schema["properties"]!["stages"]!["items"]!;
        Assert.Contains("operation", stage["required"]!.AsArray().Select(n => (string?)n));
        Assert.Equal("object", (string?)stage["properties"]!["inputs"]!["type"]);
        Assert.NotNull(stage["properties"]!["inputs"]!["additionalProperties"]!["properties"]!["stage"]);
        Assert.NotNull(stage["properties"]!["options"]);
    }
}
