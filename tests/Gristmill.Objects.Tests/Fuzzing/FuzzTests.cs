using Gristmill.Objects.Conformance;

namespace Gristmill.Objects.Fuzzing;

/// <summary>Some seconds of what <c>mill fuzz</c> does for minutes; and that what it looks for, it finds.</summary>
public sealed class FuzzTests
{
    private const int Seed = 20260101, Mutants = 6000;

    [Fact]
    public void Mutants_of_every_type_and_of_the_official_files_do_no_harm()
    {
        var corpus = Corpus.All(null);
        using var test = new TestStore();
        var target = new FuzzTarget(test.Store);
        int accepted = 0;
        for (int seed = Seed; seed < Seed + Mutants; seed++)
        {
            try
            {
                accepted += target.Run(Mutator.Mutant(corpus, seed)) ? 1 : 0;
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {seed}: {e}");
            }
        }

        // Neither all is refused, which would leave what lies behind the first check unseen, nor all let through.
        Assert.InRange(accepted, Mutants / 20, Mutants * 9 / 10);
    }

    [Fact]
    public void Files_that_fuzzers_of_other_libraries_found_do_no_harm()
    {
        string[] paths = OfficialFiles.Found();
        Assert.SkipUnless(paths.Length > 0, $"{OfficialFiles.Variable} names no folder with files of Arrow's fuzzers");
        using var test = new TestStore();
        var target = new FuzzTarget(test.Store);
        foreach (string path in paths)
        {
            try
            {
                target.Run(File.ReadAllBytes(path));
            }
            catch (Exception e)
            {
                Assert.Fail($"{path}: {e}");
            }
        }
    }

    [Fact]
    public void Files_that_mutants_are_made_from_do_no_harm_themselves()
    {
        using var test = new TestStore();
        var target = new FuzzTarget(test.Store);
        var corpus = Corpus.Generated();
        Assert.InRange(corpus.Count(target.Run), 100, corpus.Count - 100);
    }

    [Fact]
    public void A_mutant_that_ends_its_process_is_kept_and_the_next_ones_run()
    {
        string folder = Path.Combine(Path.GetTempPath(), "gristmill-fuzz-" + Guid.NewGuid().ToString("n"));
        try
        {
            using var output = new StringWriter();
            Assert.Equal(1, FuzzProgram.Run(new FuzzOptions(0.1, 5, null, folder), output, crashAt: 9));
            Assert.Contains("a crash (134): seed 9", output.ToString(), StringComparison.Ordinal);
            Assert.Contains("1 ended the process, 0 other findings", output.ToString(), StringComparison.Ordinal);
            Assert.Equal(Mutator.Mutant(Corpus.All(null), 9), File.ReadAllBytes(Path.Combine(folder, "9.arrow")));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory]
    [InlineData("--minutes", "0")]
    [InlineData("--minutes")]
    [InlineData("--seed", "x")]
    [InlineData("--corpus", "/no/such/folder")]
    [InlineData("--depth", "3")]
    public void Arguments_that_are_none_are_refused(params string[] arguments) => Assert.Null(FuzzOptions.Parse(arguments));
}
