using System.Text;

namespace Gristmill.Worker.Tests;

public sealed class AttemptLogTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gm-log-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("password: ***\n", "password: hunter22\n")]
    [InlineData("password: ***! and\nmore", "pass", "word: hunt", "er22", "! and\nmore")]
    [InlineData("*** ***\n***", "hunter", "22 hunter22\nhun", "ter22")]
    public void A_secret_that_is_printed_piece_by_piece_is_not_shown(string shown, params string[] pieces)
    {
        using var log = Log("hunter22");
        foreach (var piece in pieces)
        {
            log.Print(piece);
        }

        Assert.Equal(shown, All(log));
    }

    [Fact]
    public void A_line_without_end_is_bounded()
    {
        using var log = Log("hunter22");
        for (var i = 0; i < 100; i++)
        {
            log.Print(new string('x', 1000));
        }

        Assert.InRange(log.Bytes, 80_000, 100_000);
        log.Close();
        Assert.Equal(100_000, log.Bytes);
    }

    [Fact]
    public void Without_secrets_text_shows_as_it_is_printed()
    {
        using var log = Log();
        log.Print("a prompt: ");
        Assert.Equal(10, log.Bytes);
    }

    private AttemptLog Log(params string[] secrets) => new(Path.Combine(_folder, "log"), 1 << 20, 1024)
    {
        Redactor = secrets.Length == 0 ? null : SecretRedactor.Of(secrets),
    };

    private string All(AttemptLog log)
    {
        log.Close();
        return File.ReadAllText(Path.Combine(_folder, "log"), Encoding.UTF8);
    }
}
