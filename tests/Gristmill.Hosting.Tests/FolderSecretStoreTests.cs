namespace Gristmill.Hosting;

public sealed class FolderSecretStoreTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gristmill-secrets-").FullName;
    private readonly FolderSecretStore _store;

    public FolderSecretStoreTests() => _store = new FolderSecretStore(_folder);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_file_of_its_owner_alone_is_a_secret_without_its_last_line_feed()
    {
        Write("a.b-c", "open\nsesame\r\n", UnixFileMode.UserRead);
        Assert.Equal("open\nsesame", await FindAsync("a.b-c"));
        Assert.Null(await FindAsync("nothing"));
        Assert.Null(await FindAsync("../secrets/a.b-c"));
    }

    [Theory]
    [InlineData(UnixFileMode.GroupRead)]
    [InlineData(UnixFileMode.OtherRead)]
    [InlineData(UnixFileMode.OtherWrite)]
    public async Task A_file_that_others_can_read_or_write_is_refused_by_name(UnixFileMode others)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such modes.");
        Write("door", "x", UnixFileMode.UserRead | others);
        var error = await Assert.ThrowsAsync<GristmillException>(() => FindAsync("door"));
        Assert.Equal((ErrorCodes.SecretMissing, "door"), (error.Code, error.Error.Details["secret"]));
        Assert.Contains("chmod 600", error.Error.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_environment_goes_before_the_folder()
    {
        Write("flow-store.test", "file", UnixFileMode.UserRead);
        Environment.SetEnvironmentVariable("GRISTMILL_SECRET_FLOW_STORE_TEST", "variable");
        try
        {
            Assert.Equal("variable", await FindAsync("flow-store.test"));
        }
        finally
        {
            Environment.SetEnvironmentVariable("GRISTMILL_SECRET_FLOW_STORE_TEST", null);
        }

        Assert.Equal("file", await FindAsync("flow-store.test"));
    }

    private Task<string?> FindAsync(string name) => _store.FindAsync(name, TestContext.Current.CancellationToken).AsTask();

    private void Write(string name, string text, UnixFileMode mode)
    {
        var path = Path.Combine(Directory.CreateDirectory(Path.Combine(_folder, "secrets")).FullName, name);
        File.WriteAllText(path, text);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, mode);
        }
    }
}
