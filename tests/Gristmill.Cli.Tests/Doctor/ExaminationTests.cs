namespace Gristmill.Cli.Doctor;

public sealed class ExaminationTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gristmill-doctor-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_data_folder_that_a_silo_holds_is_told()
    {
        var path = Path.Combine(_folder, "lock");
        File.WriteAllText(path, "1");
        Assert.Equal(Health.Well, Examination.DataFolder(_folder).Health);

        using var held = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        var finding = Examination.DataFolder(_folder);

        Assert.Equal(Health.Warning, finding.Health);
        Assert.Contains("in use", finding.Found);
    }

    [Fact]
    public void A_data_folder_to_come_is_well_and_is_not_made()
    {
        var path = Path.Combine(_folder, "a", "b");

        Assert.Equal(Health.Well, Examination.DataFolder(path).Health);
        Assert.False(Directory.Exists(path));
    }

    [Fact]
    public void Too_little_space_is_wrong_and_little_is_a_warning()
    {
        Assert.Equal(Health.Wrong, Examination.Disk("disk", _folder, long.MaxValue, long.MaxValue, "free some").Health);
        Assert.Equal(Health.Warning, Examination.Disk("disk", _folder, 0, long.MaxValue, "free some").Health);
        Assert.Null(Examination.Disk("disk", _folder, 0, 0, "free some").Remedy);
    }

    [Fact]
    public void A_missing_shared_memory_is_a_warning() =>
        Assert.Equal(Health.Warning, Examination.SharedMemory(Path.Combine(_folder, "shm")).Health);

    [Fact]
    public void A_library_that_is_missing_or_broken_is_wrong()
    {
        File.WriteAllText(Path.Combine(_folder, "libbroken.so"), "no library");

        Assert.Equal(Health.Wrong, Examination.Library(_folder, "x", "libmissing.so", load: true).Health);
        Assert.Equal(Health.Wrong, Examination.Library(_folder, "x", "libbroken.so", load: true).Health);
        Assert.Equal(Health.Well, Examination.Library(_folder, "x", "libbroken.so", load: false).Health);
    }

    [Fact]
    public async Task The_whole_examination_names_every_check()
    {
        var findings = await Examination.RunAsync(_folder, 0, TestContext.Current.CancellationToken);

        Assert.Contains(findings, f => f.Check == ".NET SDK" && f.Health == Health.Well);
        Assert.All(findings.Where(f => f.Health == Health.Wrong), f => Assert.NotNull(f.Remedy));
    }
}
