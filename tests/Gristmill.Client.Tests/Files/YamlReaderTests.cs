using System.Text.Json;

namespace Gristmill;

public sealed class YamlReaderTests
{
    [Theory]
    [InlineData("no", "\"no\"")]
    [InlineData("Yes", "\"Yes\"")]
    [InlineData("on", "\"on\"")]
    [InlineData("'5'", "\"5\"")]
    [InlineData("\"true\"", "\"true\"")]
    [InlineData("2001-04-01", "\"2001-04-01\"")]
    [InlineData("12:30", "\"12:30\"")]
    [InlineData("true", "true")]
    [InlineData("FALSE", "false")]
    [InlineData("~", "null")]
    [InlineData("null", "null")]
    [InlineData("007", "7")]
    [InlineData("+12", "12")]
    [InlineData("-0", "-0")]
    [InlineData("0o17", "15")]
    [InlineData("0xFF", "255")]
    [InlineData("9007199254740993", "9007199254740993")]
    [InlineData("1e3", "1e3")]
    [InlineData(".5", "0.5")]
    [InlineData("1.", "1")]
    [InlineData("1.50", "1.50")]
    [InlineData("-.inf", "\"-Infinity\"")]
    [InlineData(".NaN", "\"NaN\"")]
    [InlineData("0x", "\"0x\"")]
    [InlineData("1_000", "\"1_000\"")]
    [InlineData("!!str 5", "\"5\"")]
    [InlineData("!!int '5'", "5")]
    [InlineData("! 5", "\"5\"")]
    [InlineData("{a: &x [1, 2], b: *x}", """{"a":[1,2],"b":[1,2]}""")]
    [InlineData("a:\n  - |\n    x\n    y\n  - >-\n    p\n    q\n", """{"a":["x\ny\n","p q"]}""")]
    public void Scalars_are_those_of_YAML_1_2(string yaml, string json) => Assert.Equal(json, YamlReader.Read(yaml)?.ToJsonString(GristmillJson.Options) ?? "null");

    [Theory]
    [InlineData("")]
    [InlineData("a: 1\n---\nb: 2\n")]
    [InlineData("{a: 1, a: 2}")]
    [InlineData("? [1]\n: 2")]
    [InlineData("*nowhere")]
    [InlineData("a: !!binary aGk=")]
    [InlineData("a: !own {}")]
    [InlineData("a: [1")]
    [InlineData("a: b: c")]
    [InlineData("&a [*a]")]
    public void What_is_not_read_is_refused_with_its_place(string yaml)
    {
        var thrown = Assert.Throws<GristmillException>(() => YamlReader.Read(yaml));

        Assert.Equal(ErrorCodes.Invalid, thrown.Code);
        Assert.True(thrown.Error.Details.ContainsKey("line"));
    }

    [Fact]
    public void A_bomb_of_aliases_is_refused()
    {
        // Each level ten times the one before: 10^9 values in 400 bytes.
        var bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + string.Concat(Enumerable.Range(1, 8).Select(i => $"a{i}: &a{i} [{string.Join(", ", Enumerable.Repeat($"*a{i - 1}", 10))}]\n"));

        Assert.Contains("100,000", Assert.Throws<GristmillException>(() => YamlReader.Read(bomb)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" leading")]
    [InlineData("trailing ")]
    [InlineData("two\nlines")]
    [InlineData("two\nlines\n")]
    [InlineData("\n\n")]
    [InlineData(" indented\nfirst")]
    [InlineData("tab\there\nand there")]
    [InlineData("cr\r\nlf")]
    [InlineData("nul\0")]
    [InlineData("no")]
    [InlineData("null")]
    [InlineData("5")]
    [InlineData("- a")]
    [InlineData("a: b")]
    [InlineData("#x")]
    [InlineData("😀\u2028\u0085")]
    [InlineData("---\n...\n")]
    public void Text_comes_back_as_it_was(string text)
    {
        var json = JsonSerializer.SerializeToElement(new Dictionary<string, object> { ["k"] = text, [text] = 1, ["l"] = new[] { text } });

        Assert.Equal(json.GetRawText(), JsonSerializer.Serialize(YamlReader.Read(YamlText.Write(json))));
    }
}
